// @iexec/dataprotector: data of every type and a large file protected; access granted, listed, taken back;
// data processed by an app in our guest to a result that the package decrypts; ownership transferred.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import JSZip from 'jszip';
import {
  IExecDataProtector, IExecDataProtectorCore, getWeb3Provider,
} from '@iexec/dataprotector';
import { ECHO_APP, ZERO, assert, developer, installation, main, note, refused, sdk, test } from './lib.mjs';

const here = installation();
const text = new TextDecoder();
const same = (a, b) => a.toLowerCase() === b.toLowerCase();
let owner, user, me, other, app, data, granted;

const protector = (key) =>
  new IExecDataProtectorCore(getWeb3Provider(key, here.urls.rpcUrl), here.sdk.dataprotector);

test('an installation with an app', async () => {
  await here.start();
  owner = protector(developer(0));
  user = protector(developer(1));
  me = await sdk(here, developer(0)).wallet.getAddress();
  other = await sdk(here, developer(1)).wallet.getAddress();
  app = here.deploy('echo', ECHO_APP);
  const whole = new IExecDataProtector(
    getWeb3Provider(developer(0), here.urls.rpcUrl), here.sdk.dataprotector,
  );
  assert.equal(typeof whole.core.protectData, 'function');
});

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

test('protectData: every type', async () => {
  const steps = [];
  data = await owner.protectData({
    name: 'all types',
    data: {
      yes: true, number: 1.5, large: 123456789012345678901234567890n, words: 'good morning', picture: PNG,
      bytes: new Uint8Array(randomBytes(100)).buffer, deep: { deeper: { word: 'below' } },
    },
    onStatusUpdate: ({ title, isDone }) => isDone && steps.push(title),
  });
  assert.deepEqual(steps, [
    'EXTRACT_DATA_SCHEMA', 'CREATE_ZIP_FILE', 'CREATE_ENCRYPTION_KEY', 'ENCRYPT_FILE',
    'UPLOAD_ENCRYPTED_FILE', 'DEPLOY_PROTECTED_DATA', 'PUSH_SECRET_TO_SMS',
  ]);
  assert.equal(data.owner, me);
  assert.deepEqual(data.schema, {
    yes: 'bool', number: 'f64', large: 'i128', words: 'string', picture: 'image/png',
    bytes: 'application/octet-stream', deep: { deeper: { word: 'string' } },
  });
  assert.match(data.multiaddr, /^\/p2p\/Qm/);
  assert.ok(data.creationTimestamp > 0);
  const iexec = sdk(here, developer(0));
  assert.equal(await iexec.dataset.checkDatasetSecretExists(data.address), true);
  assert.equal((await iexec.dataset.showDataset(data.address)).dataset.datasetName, 'all types');
});

test('our command line reads what the package protected', () => {
  const path = join(here.top, 'all.zip');
  writeFileSync(path, data.zipFile);
  assert.equal(here.iapp('get', path, 'words').value, 'good morning');
  assert.equal(here.iapp('get', path, 'deep.deeper.word').value, 'below');
  assert.equal(here.iapp('get', path, 'yes', 'bool').value, true);
  assert.equal(here.iapp('get', path, 'number', 'f64').value.$f64, '1.5');
  assert.match(
    JSON.stringify(here.iapp('get', path, 'large', 'i128').value), /123456789012345678901234567890/,
  );
});

test('grantAccess and getGrantedAccess', async () => {
  granted = await owner.grantAccess({
    protectedData: data.address, authorizedApp: app, authorizedUser: other, numberOfAccess: 10,
  });
  assert.ok(same(granted.requesterrestrict, other));
  await refused(
    owner.grantAccess({ protectedData: data.address, authorizedApp: app, authorizedUser: other }),
    /already granted/,
  );
  const { count, grantedAccess } = await owner.getGrantedAccess({ protectedData: data.address });
  assert.equal(count, 1);
  assert.equal(grantedAccess[0].sign, granted.sign);
  assert.equal(grantedAccess[0].remainingAccess, 10);
  for (const [filter, want] of [
    [{ authorizedApp: app }, 1], [{ authorizedUser: other }, 1], [{ authorizedUser: me }, 0],
    [{ authorizedUser: other, isUserStrict: true }, 1], [{ authorizedApp: ZERO }, 0], [{ bulkOnly: true }, 0],
  ])
    assert.equal(
      (await owner.getGrantedAccess({ protectedData: data.address, ...filter })).count, want,
      JSON.stringify(filter),
    );
});

test('processProtectedData to a result in the clear, with no pool named', async () => {
  const { dealId, taskId, result } = await user.processProtectedData({
    ...here.pool,
    protectedData: data.address, app, args: 'one two', path: 'said.txt',
  });
  assert.match(dealId, /^0x[0-9a-f]{64}$/);
  const said = text.decode(result);
  assert.match(said, /^argument 1=one\nargument 2=two\n/);
  assert.match(said.toLowerCase(), new RegExp(`iexec_dataset_address=${data.address.toLowerCase()}`));
  const again = await user.getResultFromCompletedTask({ taskId, path: 'data.zip' });
  const zip = await JSZip.loadAsync(again.result);
  assert.deepEqual(Object.keys(zip.files).filter((n) => !n.endsWith('/')).sort(), [
    'bytes', 'deep/deeper/word', 'large', 'number', 'picture', 'words', 'yes',
  ]);
  const picture = await zip.file('picture').async('nodebuffer');
  assert.ok(picture.equals(PNG));
});

test('processProtectedData with secrets and an encrypted result', async () => {
  const steps = [];
  const done = await user.processProtectedData({
    ...here.pool,
    protectedData: data.address, app, path: 'said.txt', encryptResult: true, secrets: { 1: 'open sesame' },
    onStatusUpdate: ({ title, isDone }) => isDone && steps.push(title),
  });
  assert.match(text.decode(done.result), /IEXEC_REQUESTER_SECRET_1=open sesame/);
  assert.match(done.pemPrivateKey, /BEGIN PRIVATE KEY/);
  assert.equal(steps.at(-1), 'TASK_RESULT_DECRYPT');
});

test('processProtectedData without waiting; waitForTaskCompletion', async () => {
  const { dealId, taskId, result } = await user.processProtectedData({
    ...here.pool,
    protectedData: data.address, app, waitForResult: false,
  });
  assert.equal(result, undefined);
  assert.deepEqual(await user.waitForTaskCompletion({ taskId, dealId }), {
    status: 'COMPLETED', success: true,
  });
});

test('times from the call to the result, with and without held reads', async () => {
  const measure = async (what) => {
    const times = [];
    for (let i = 0; i < 3; i += 1) {
      const start = Date.now();
      await user.processProtectedData({ protectedData: data.address, app, path: 'said.txt', ...here.pool });
      times.push(Date.now() - start);
    }
    note(`processProtectedData ${what}: ${times.join(', ')} ms`);
  };
  await measure('with held reads');
  await here.stop();
  await here.start('--no-hold');
  await measure('without held reads');
  await here.stop();
  await here.start();
});

test('an app that nobody granted is refused', async () => {
  await refused(owner.processProtectedData({ protectedData: data.address, app, ...here.pool }), /No Dataset order|access/i);
});

test('revokeOneAccess, revokeAllAccess', async () => {
  const { txHash } = await owner.revokeOneAccess(granted);
  assert.match(txHash, /^0x[0-9a-f]{64}$/);
  assert.equal((await owner.getGrantedAccess({ protectedData: data.address })).count, 0);
  await owner.grantAccess({ protectedData: data.address, authorizedApp: app, authorizedUser: ZERO });
  await owner.grantAccess({ protectedData: data.address, authorizedApp: app, authorizedUser: me });
  await owner.grantAccess({ protectedData: data.address, authorizedApp: app, authorizedUser: other });
  const revoked = await owner.revokeAllAccess({ protectedData: data.address });
  assert.equal(revoked.length, 3);
  assert.equal((await owner.getGrantedAccess({ protectedData: data.address })).count, 0);
});

test('a whitelist in the place of an app', async () => {
  const { whitelist } = here.urls;
  const access = await owner.grantAccess({
    protectedData: data.address, authorizedApp: whitelist.web3mail, authorizedUser: other,
  });
  assert.ok(same(access.apprestrict, whitelist.web3mail));
  await refused(
    owner.grantAccess({ protectedData: data.address, authorizedApp: other, authorizedUser: other }),
    /neither an app nor|not .*app|whitelist/i,
  );
});

test('transferOwnership takes the grants along with the data', async () => {
  const { to } = await owner.transferOwnership({ protectedData: data.address, newOwner: other });
  assert.equal(to, other);
  assert.equal((await user.getGrantedAccess({ protectedData: data.address })).count, 0);
  const mine = await user.grantAccess({ protectedData: data.address, authorizedApp: app, authorizedUser: me });
  assert.ok(same(mine.dataset, data.address));
});

test('a large file', async () => {
  const file = randomBytes(24 << 20);
  const large = await owner.protectData({ name: 'large', data: { file } });
  assert.equal(large.schema.file, 'application/octet-stream');
  await owner.grantAccess({ protectedData: large.address, authorizedApp: app, authorizedUser: other });
  const { result } = await user.processProtectedData({
    ...here.pool,
    protectedData: large.address, app, path: 'data.zip',
  });
  const zip = await JSZip.loadAsync(result);
  assert.ok((await zip.file('file').async('nodebuffer')).equals(file));
});

await main();
