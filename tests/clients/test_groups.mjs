// Grants to groups (ERC-734 whitelists) by @iexec/dataprotector: of users, and of the versions of an app.
import { Contract, hexlify, randomBytes, zeroPadValue } from 'ethers';
import { IExecDataProtectorCore, getWeb3Provider } from '@iexec/dataprotector';
import { ECHO_APP, assert, developer, installation, main, refused, sdk, test, until, utils } from './lib.mjs';

const here = installation();
const MEMBER = 4n;
const text = new TextDecoder();
let owner, user, other, app, data, group, address;

const protector = (key) =>
  new IExecDataProtectorCore(getWeb3Provider(key, here.urls.rpcUrl), here.sdk.dataprotector);
const signer = (key) => utils.getSignerFromPrivateKey(here.urls.rpcUrl, key);
const mined = async (sent) => (await sent).wait();

test('an installation with an app, and protected data', async () => {
  await here.start();
  owner = protector(developer(0));
  user = protector(developer(1));
  other = protector(developer(2));
  app = here.deploy('echo', ECHO_APP);
  data = (await owner.protectData({ name: 'of the owner', data: { text: 'x' } })).address;
});

const process = (who, more) =>
  who.processProtectedData({ protectedData: data, app, path: 'said.txt', ...here.pool, ...more });

test('a group of users is made, and belongs to who made it', async () => {
  const { groupFactory } = here.node?.said ?? (await here.rpc('iapp_info'));
  const factory = new Contract(
    groupFactory, ['function createGroup(bytes32)'], await signer(developer(0)),
  );
  const { logs } = await mined(factory.createGroup(hexlify(randomBytes(32))));
  address = logs[0].address;
  const abi = [
    'function addKey(bytes32,uint256,uint256)', 'function removeKey(bytes32,uint256)',
    'function keyHasPurpose(bytes32,uint256) view returns (bool)',
  ];
  group = new Contract(address, abi, await signer(developer(0)));
  const stranger = new Contract(address, abi, await signer(developer(2)));
  const me = await sdk(here, developer(1)).wallet.getAddress();
  await assert.rejects(mined(stranger.addKey(zeroPadValue(me, 32), MEMBER, 1n)));
  assert.equal(await group.keyHasPurpose(zeroPadValue(me, 32), MEMBER), false);
  // the package asks whether the group holds itself, not whether it holds the user
  assert.equal(await group.keyHasPurpose(zeroPadValue(address, 32), MEMBER), true);
});

test('a grant to a group of users admits its members alone, and as long as they are that', async () => {
  const me = await sdk(here, developer(1)).wallet.getAddress();
  const key = zeroPadValue(me, 32);
  const grant = await owner.grantAccess({
    protectedData: data, authorizedApp: app, authorizedUser: address, numberOfAccess: 10,
  });
  assert.equal(grant.requesterrestrict.toLowerCase(), address.toLowerCase());
  await refused(process(user, { userWhitelist: address }), /restrict|revert/i);
  await mined(group.addKey(key, MEMBER, 1n));
  assert.match(text.decode((await process(user, { userWhitelist: address })).result), /IEXEC_DATASET_ADDRESS=0x/);
  await refused(process(other, { userWhitelist: address }), /restrict|revert/i);
  // the market lists a group's orders for its members, so they need not name it
  assert.match(text.decode((await process(user)).result), /IEXEC_DATASET_ADDRESS=0x/);
  await refused(process(other), /No Dataset order/);
  await mined(group.removeKey(key, MEMBER));
  await refused(process(user, { userWhitelist: address }), /restrict|revert/i);
  await refused(process(user), /No Dataset order/);
  await refused(process(user, { userWhitelist: app }), /not a valid whitelist contract/);
  await owner.revokeOneAccess(grant);
});

test('a grant to a line of versions of an app admits each while it is in the line', async () => {
  const me = await sdk(here, developer(1)).wallet.getAddress();
  const line = await here.line(app);
  const newer = here.deploy('echo2', `${ECHO_APP}/* 2 */\n`);
  await owner.grantAccess({
    protectedData: data, authorizedApp: line, authorizedUser: me, numberOfAccess: 10,
  });
  const said = async (version) => text.decode((await process(user, { app: version })).result);
  assert.match(await said(app), /IEXEC_DATASET_ADDRESS=0x/);
  await refused(said(newer), /No Dataset order/);
  here.iapp('app', 'line', 'add', line, newer);
  assert.match(await said(newer), /IEXEC_DATASET_ADDRESS=0x/);
  here.iapp('app', 'line', 'remove', line, app);
  await refused(said(app), /No Dataset order/);
  assert.match(await said(newer), /IEXEC_DATASET_ADDRESS=0x/);
});

test('in bulk too; a version that left the line is refused with the reason', async () => {
  const me = await sdk(here, developer(1)).wallet.getAddress();
  const line = await here.line(app);
  const bulkAccesses = [];
  for (const name of ['one', 'two', 'three'])
    bulkAccesses.push(await owner.grantAccess({
      protectedData: (await owner.protectData({ name, data: { text: name } })).address,
      authorizedApp: line, authorizedUser: me, allowBulk: true,
    }));
  const { bulkRequest, pemPrivateKey } = await user.prepareBulkRequest({
    bulkAccesses, app, maxProtectedDataPerTask: 2, encryptResult: true,
  });
  const { tasks } = await user.processBulkRequest({
    ...here.pool,
    bulkRequest, pemPrivateKey, path: 'said.txt', waitForResult: true,
  });
  assert.deepEqual(tasks.map(({ success }) => success), [true, true]);
  assert.deepEqual(
    tasks.map(({ result }) => text.decode(result).match(/IEXEC_BULK_SLICE_SIZE=(\d)/)[1]), ['2', '1'],
  );
  const seen = await user.inspectBulkRequest({
    bulkRequest, detailed: true, withResult: true, path: 'said.txt', pemPrivateKey,
  });
  assert.equal(seen.bulkStatus, 'FINISHED');
  assert.deepEqual(
    seen.tasks.map((task) => task.protectedDataAddresses.map((a) => a.toLowerCase())),
    [bulkAccesses.slice(0, 2), bulkAccesses.slice(2)].map((g) => g.map(({ dataset }) => dataset.toLowerCase())),
  );
  for (const [i, { result }] of seen.tasks.entries())
    assert.equal(text.decode(result), text.decode(tasks[i].result));
  here.iapp('app', 'line', 'remove', line, app);
  const late = await user.prepareBulkRequest({ bulkAccesses: bulkAccesses.slice(0, 1), app });
  const [task] = (await user.processBulkRequest({ bulkRequest: late.bulkRequest, ...here.pool })).tasks;
  const iexec = sdk(here, developer(1));
  const api = await iexec.workerpool.getWorkerpoolApiUrl((await iexec.deal.show(task.dealId)).workerpool.pointer);
  const iapp = await until('the refusal', async () => {
    const seen = (await (await fetch(`${api}/tasks/${task.taskId}`)).json()).iapp;
    return seen?.cause && seen;
  });
  assert.match(iapp.message, /no dataset of the slice may be used; 0x[0-9a-fA-F]{40}: .*apprestrict/);
});

await main();
