// @iexec/dataprotector: what it asks the graphs: getProtectedData with every filter, and bulk requests
// prepared, handed in and inspected.
import { IExecDataProtectorCore, getWeb3Provider } from '@iexec/dataprotector';
import { ECHO_APP, assert, developer, installation, main, sdk, test } from './lib.mjs';

const here = installation();
const made = [];
let owner, user, me, other, app;

const protector = (key) =>
  new IExecDataProtectorCore(getWeb3Provider(key, here.urls.rpcUrl), here.sdk.dataprotector);

test('an installation with an app and three protected data', async () => {
  await here.start();
  owner = protector(developer(0));
  user = protector(developer(1));
  me = await sdk(here, developer(0)).wallet.getAddress();
  other = await sdk(here, developer(1)).wallet.getAddress();
  app = here.deploy('echo', ECHO_APP);
  made.push(await owner.protectData({ name: 'one', data: { email: 'a@example.org' } }));
  made.push(await owner.protectData({ name: 'two', data: { email: 'b@example.org', age: 4 } }));
  made.push(await owner.protectData({ name: 'three', data: { person: { address: { zip: 5n } } } }));
});

const names = async (filter) => (await owner.getProtectedData(filter)).map(({ name }) => name).sort();

test('getProtectedData: every filter', async () => {
  assert.deepEqual(await names({}), ['one', 'three', 'two']);
  assert.deepEqual(await names({ owner: me }), ['one', 'three', 'two']);
  assert.deepEqual(await names({ owner: other }), []);
  assert.deepEqual(await names({ protectedDataAddress: made[1].address }), ['two']);
  assert.deepEqual(await names({ requiredSchema: { email: 'string' } }), ['one', 'two']);
  assert.deepEqual(await names({ requiredSchema: { email: 'string', age: 'f64' } }), ['two']);
  assert.deepEqual(await names({ requiredSchema: { person: { address: { zip: 'i128' } } } }), ['three']);
  assert.deepEqual(await names({ requiredSchema: { age: ['f64', 'string'] } }), ['two']);
  const last = Math.max(...made.map(({ creationTimestamp }) => creationTimestamp));
  assert.ok((await names({ createdAfterTimestamp: last })).length >= 1);
  assert.deepEqual(await names({ createdAfterTimestamp: last + 1000 }), []);
  assert.deepEqual(await names({ page: 1, pageSize: 10 }), []);
  const [one] = await owner.getProtectedData({ protectedDataAddress: made[0].address });
  for (const field of ['address', 'owner'])
    assert.equal(one[field].toLowerCase(), made[0][field].toLowerCase());
  assert.deepEqual(one.schema, made[0].schema);
  assert.equal(one.creationTimestamp, made[0].creationTimestamp);
  assert.equal(one.multiaddr, made[0].multiaddr);
});

test('the package finds what our command line protected', async () => {
  const ours = here.iapp('protect', 'email=c@example.org', '--name', 'ours');
  const [found] = await owner.getProtectedData({ protectedDataAddress: ours.address });
  assert.equal(found.name, 'ours');
  assert.deepEqual(found.schema, { email: 'string' });
  assert.equal(found.multiaddr, `/p2p/${ours.cid}`);
});

test('a transfer changes the owner in the graph', async () => {
  await owner.transferOwnership({ protectedData: made[2].address, newOwner: other });
  assert.deepEqual(await names({ owner: other }), ['three']);
});

test('a bulk request is prepared, handed in, inspected', async () => {
  for (const { address } of made.slice(0, 2))
    await owner.grantAccess({
      protectedData: address, authorizedApp: app, authorizedUser: other, allowBulk: true,
    });
  const { grantedAccess } = await user.getGrantedAccess({
    authorizedApp: app, authorizedUser: other, bulkOnly: true,
  });
  assert.equal(grantedAccess.length, 2);
  const { bulkRequest } = await user.prepareBulkRequest({
    bulkAccesses: grantedAccess, app, maxProtectedDataPerTask: 1,
  });
  assert.equal(bulkRequest.volume, '2');
  const { tasks } = await user.processBulkRequest({ bulkRequest, ...here.pool });
  assert.deepEqual(tasks.map(({ bulkIndex }) => bulkIndex), [0, 1]);
  let seen = await user.inspectBulkRequest({ bulkRequest, detailed: true });
  for (let i = 0; i < 120 && seen.bulkStatus !== 'FINISHED'; i++) {
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    seen = await user.inspectBulkRequest({ bulkRequest, detailed: true });
  }
  assert.equal(seen.bulkStatus, 'FINISHED');
  assert.equal(seen.tasksTotalCount, 2);
  assert.equal(seen.tasksToCreateCount, 0);
  assert.deepEqual(seen.tasks.map(({ taskId }) => taskId), tasks.map(({ taskId }) => taskId));
  const inside = seen.tasks.map(({ protectedDataAddresses }) => protectedDataAddresses[0].toLowerCase());
  assert.deepEqual(inside.sort(), made.slice(0, 2).map(({ address }) => address.toLowerCase()).sort());
});

await main();
