// One wallet in our command line and in iExec's packages: each reads, grants, revokes, runs and decrypts
// what the other made.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Wallet, encryptKeystoreJson, hexlify, parseEther, randomBytes } from 'ethers';
import JSZip from 'jszip';
import { IExecDataProtectorCore, getWeb3Provider } from '@iexec/dataprotector';
import { ECHO_APP, assert, developer, installation, main, sdk, test } from './lib.mjs';

const here = installation();
const text = new TextDecoder();
const same = (a, b) => a.toLowerCase() === b.toLowerCase();
const theirs = {};
const ours = {};
let app, key, me, owner, iexec;

const protector = (private_) =>
  new IExecDataProtectorCore(getWeb3Provider(private_, here.urls.rpcUrl), here.sdk.dataprotector);

test('a keystore that our command line made, opened by the package', async () => {
  await here.start();
  app = here.deploy('echo', ECHO_APP);
  const made = here.iapp('wallet', 'new');
  const password = readFileSync(here.env.IAPP_PASSWORD_FILE, 'utf8').trim();
  const wallet = await Wallet.fromEncryptedJson(readFileSync(made.file, 'utf8'), password);
  assert.equal(wallet.address, made.address);
  key = wallet.privateKey;
  me = made.address;
  await sdk(here, developer(0)).wallet.sendETH(parseEther('1'), me);
  owner = protector(key);
  iexec = sdk(here, key);
  assert.equal(await iexec.wallet.getAddress(), me);
});

test('a keystore that the package made, opened by our command line', async () => {
  const file = join(here.top, 'theirs.json');
  writeFileSync(join(here.top, 'words'), 'their own words\n', { mode: 0o600 });
  const wallet = new Wallet(hexlify(randomBytes(32)));
  writeFileSync(file, await encryptKeystoreJson(wallet, 'their own words', { scrypt: { N: 4096 } }),
    { mode: 0o600 });
  const { address } = here.iapp('wallet', 'import', file, '--password-file', join(here.top, 'words'));
  assert.ok(same(address, wallet.address));
});

const mine = (...words) => here.iapp(...words, '--wallet', me);

test('protected data of either, with grants of either, in the lists of both', async () => {
  const { address } = await owner.protectData({ name: 'theirs', data: { text: 'by the package', n: 1.5 } });
  Object.assign(theirs, { data: address });
  Object.assign(ours, { data: mine('protect', 'text=by us', '--name', 'ours').address });
  mine('grant', theirs.data, app, me, '--times', '9');
  theirs.grant = await owner.grantAccess({
    protectedData: ours.data, authorizedApp: app, authorizedUser: me, numberOfAccess: 9,
  });
  for (const data of [theirs.data, ours.data]) {
    const { count, grantedAccess } = await owner.getGrantedAccess({ protectedData: data });
    assert.equal(count, 1);
    assert.ok(same(grantedAccess[0].requesterrestrict, me));
    const { grants } = mine('grants', data);
    assert.equal(grants.length, 1);
    assert.ok(same(grants[0].app, app));
  }
});

const run = (data, name, ...words) => {
  const out = join(here.top, name);
  const { tasks: [task] } = mine('run', app, '--data', data, '--out', out, ...words);
  assert.equal(task.status, 'COMPLETED');
  return { task, out };
};

test('data of the package run by us: result opened, archive read, receipt proven', async () => {
  const { task, out } = run(theirs.data, 'out1');
  assert.match(readFileSync(join(out, 'said.txt'), 'utf8'), /IEXEC_DATASET_ADDRESS=0x/);
  const archive = join(out, 'data.zip');
  assert.equal(here.iapp('get', archive, 'text').value, 'by the package');
  assert.equal(here.iapp('get', archive, 'n', 'f64').value.$f64, '1.5');
  assert.equal(here.iapp('verify', task.receiptPath).verdict, 'proven');
});

test('our data run by the package; a result sealed for it opens on both sides', async () => {
  const done = await owner.processProtectedData({
    ...here.pool,
    protectedData: ours.data, app, path: 'data.zip', encryptResult: true, args: 'from the package',
  });
  const zip = await JSZip.loadAsync(done.result);
  assert.equal((await zip.file('text').async('nodebuffer')).subarray(4).toString(), 'by us');
  theirs.pem = join(here.top, 'theirs.pem');
  writeFileSync(theirs.pem, done.pemPrivateKey, { mode: 0o600 });
  const out = join(here.top, 'opened');
  mine('result', done.taskId, '--key', theirs.pem, '--out', out);
  assert.match(readFileSync(join(out, 'said.txt'), 'utf8'), /^argument 1=from\nargument 2=the\n/);
  assert.equal(here.iapp('get', join(out, 'data.zip'), 'text').value, 'by us');
  theirs.done = done;
});

test('the key that the package pushed does not stay in force for our runs, nor ours for its', async () => {
  assert.match(readFileSync(join(run(theirs.data, 'out2').out, 'said.txt'), 'utf8'), /IEXEC_DATASET_ADDRESS/);
  const again = await owner.processProtectedData({
    ...here.pool,
    protectedData: ours.data, app, path: 'said.txt', encryptResult: true,
    pemPrivateKey: theirs.done.pemPrivateKey,
  });
  assert.match(text.decode(again.result), /IEXEC_DATASET_ADDRESS/);
  const { result } = await owner.getResultFromCompletedTask({
    taskId: theirs.done.taskId, path: 'said.txt', pemPrivateKey: theirs.done.pemPrivateKey,
  });
  assert.match(text.decode(result), /^argument 1=from\n/);
});

test('a result that is sealed for us opens in the package, with the key that we give out', async () => {
  const { task } = run(theirs.data, 'out4', '--args', 'sealed');
  const file = join(here.top, 'ours.pem');
  assert.ok(same(mine('wallet', 'result-key', '--out', file).address, me));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const { result } = await owner.getResultFromCompletedTask({
    taskId: task.taskId, path: 'said.txt', pemPrivateKey: readFileSync(file, 'utf8'),
  });
  assert.match(text.decode(result), /^argument 1=sealed\n/);
});

test('a run of ours: the package reads its task, its logs and its result in the clear', async () => {
  const { task } = run(theirs.data, 'out3', '--plain', '--args', 'in clear');
  const { result } = await owner.getResultFromCompletedTask({ taskId: task.taskId, path: 'said.txt' });
  assert.match(text.decode(result), /^argument 1=in\nargument 2=clear\n/);
  const { task: seen } = await iexec.task.fetchOffchainInfo(task.taskId);
  assert.equal(seen.status, 'COMPLETED');
  assert.equal((await iexec.task.show(task.taskId)).statusName, 'COMPLETED');
});

test('each takes back what the other granted', async () => {
  mine('revoke', ours.data);
  assert.equal((await owner.getGrantedAccess({ protectedData: ours.data })).count, 0);
  const { grantedAccess } = await owner.getGrantedAccess({ protectedData: theirs.data });
  await owner.revokeOneAccess(grantedAccess[0]);
  assert.deepEqual(mine('grants', theirs.data).grants, []);
});

await main();
