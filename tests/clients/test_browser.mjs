// What a page in a browser needs of every service before a package can work in it, and what the packages
// look up or rely on beside their calls: CORS, compass, held reads, snapshots of a test ledger.
import { assert, developer, installation, main, sdk, test, until } from './lib.mjs';

const here = installation();
const ORIGIN = 'http://localhost:5173'; // where a page is developed
const ELSEWHERE = 'https://page.example';
let iexec, me;

const ask = (url, method = 'GET', headers = {}) =>
  fetch(url, { method, headers: { origin: ORIGIN, ...headers } });

test('an installation', async () => {
  await here.start();
  iexec = sdk(here, developer(0));
  me = await iexec.wallet.getAddress();
});

const front = () => here.urls.rpcUrl;
const places = () => ({
  '/': [front(), 'POST'],
  '/challenge': [`${front()}/challenge?chainId=421614&address=${me}`, 'GET'],
  '/deals': [`${front()}/deals?chainId=421614`, 'GET'],
  '/datasetorders': [`${front()}/datasetorders?chainId=421614`, 'POST'],
  '/api/v0/add': [`${front()}/api/v0/add`, 'POST'],
  '/ipfs': [`${front()}/ipfs/QmNothing`, 'GET'],
  compass: [`${front()}/421614/workerpools/${here.urls.workerpool}`, 'GET'],
  secrets: [`${here.urls.smsUrl}/secrets/web3?secretAddress=${me}`, 'POST'],
  requesters: [`${here.urls.smsUrl}/requesters/${me}/secrets/a`, 'POST'],
  apps: [`${here.urls.smsUrl}/apps/${me}/secrets`, 'POST'],
});

// what a page of an origin that is neither of this machine nor listed does not get
const CLOSED = ['/datasetorders', '/api/v0/add', '/ipfs', 'secrets', 'requesters', 'apps'];

test('one origin for ledger, market, blobs, compass', () => {
  for (const field of ['marketUrl', 'ipfsNodeUrl', 'ipfsGatewayUrl', 'compassUrl'])
    assert.equal(new URL(here.urls[field]).origin, new URL(front()).origin, field);
});

test('preflight requests of every service', async () => {
  const scheduler = await iexec.workerpool.getWorkerpoolApiUrl(here.urls.workerpool);
  const all = { ...places(), tasks: [`${scheduler}/tasks/${'0x'.padEnd(66, '0')}`, 'GET'] };
  for (const [name, [url, method]] of Object.entries(all)) {
    const answer = await ask(url, 'OPTIONS', {
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization, content-type',
    });
    assert.equal(answer.status, 204, name);
    assert.equal(answer.headers.get('access-control-allow-origin'), CLOSED.includes(name) ? ORIGIN : '*', name);
    assert.match(answer.headers.get('access-control-allow-methods'), /GET, HEAD, POST, PUT/, name);
    assert.match(answer.headers.get('access-control-allow-headers'), /authorization, content-type/, name);
    assert.equal(await answer.text(), '', name);
  }
});

test('a page of elsewhere is let to what is public alone', async () => {
  for (const [name, [url, method]] of Object.entries(places())) {
    const answer = await fetch(url, {
      method: 'OPTIONS', headers: { origin: ELSEWHERE, 'access-control-request-method': method },
    });
    assert.equal(answer.status, CLOSED.includes(name) ? 403 : 204, name);
    assert.equal(answer.headers.get('access-control-allow-origin'), CLOSED.includes(name) ? null : '*', name);
  }
});

test('errors can be read by pages too', async () => {
  const scheduler = await iexec.workerpool.getWorkerpoolApiUrl(here.urls.workerpool);
  for (const url of [
    `${front()}/nothing/here`, `${front()}/apporders?chainId=421614`, `${front()}/deals?chainId=5`,
    `${front()}/ipfs/QmNothing`, `${front()}/421614/workerpools/${me}`, `${front()}/421614/iapps/none`,
    `${here.urls.smsUrl}/nothing`, `${scheduler}/tasks/0x00`, `${scheduler}/nothing`,
  ]) {
    const answer = await ask(url);
    assert.ok(answer.status >= 400 && answer.status < 500, `${url}: ${answer.status}`);
    assert.match(answer.headers.get('access-control-allow-origin'), /^([*]|http:..localhost:5173)$/, url);
    assert.match(answer.headers.get('content-type'), /application\/json/, url);
  }
});

test('the market says no in the form that packages read', async () => {
  for (const [path, status] of [
    ['/deals?chainId=5', 400], ['/apporders?chainId=421614', 400],
    [`/apporders/${'0x'.padEnd(66, '1')}?chainId=421614`, 404],
    [`/deals/${'0x'.padEnd(66, '1')}?chainId=421614`, 404],
  ]) {
    const answer = await ask(`${front()}${path}`);
    assert.equal(answer.status, status, path);
    const { ok, error } = await answer.json();
    assert.equal(ok, false);
    assert.equal(typeof error, 'string');
  }
});

test('compass: every pool of ours, nobody else; apps by name', async () => {
  const compass = async (path) => ask(`${here.urls.compassUrl}/421614/${path}`);
  const { pools } = await here.rpc('iapp_info');
  assert.equal(pools.length, 2);
  for (const pool of pools) {
    const { apiUrl } = await (await compass(`workerpools/${pool}`)).json();
    assert.equal((await fetch(`${apiUrl}/tasks/${'0x'.padEnd(66, '1')}`)).status, 404);
  }
  assert.equal((await compass(`workerpools/${me}`)).status, 404);
  assert.equal((await compass('workerpools/pool')).status, 400);
  assert.equal((await ask(`${here.urls.compassUrl}/1/workerpools/${pools[0]}`)).status, 404);
  assert.equal((await compass('iapps/web3mail-tdx')).status, 404);
  await here.stop();
  await here.start('--iapp', `web3mail-tdx=${me},other=${pools[0]}`);
  const named = await compass('iapps/web3mail-tdx');
  assert.equal(named.status, 200);
  assert.deepEqual(await named.json(), { address: me });
});

test('both pools that the packages have built in offer their work', async () => {
  for (const workerpool of (await here.rpc('iapp_info')).pools)
    await until(`an order of ${workerpool}`, async () => {
      const { count } = await iexec.orderbook.fetchWorkerpoolOrderbook({ workerpool, category: 0 });
      return count >= 1;
    });
});

test('a snapshot of a test ledger and the way back, for ledger and market', async () => {
  const deploy = (name) =>
    iexec.dataset.deployDataset({
      owner: me, name, multiaddr: '/ipfs/QmExample', checksum: `0x${'ab'.repeat(32)}`,
    });
  const { address } = await deploy('kept');
  const order = await iexec.order.signDatasetorder(
    await iexec.order.createDatasetorder({ dataset: address, tag: ['tee', 'tdx'] }),
    { preflightCheck: false },
  );
  await iexec.order.publishDatasetorder(order, { preflightCheck: false });
  const head = await here.rpc('eth_blockNumber');
  const id = await here.rpc('evm_snapshot');
  const gone = (await deploy('gone')).address;
  await iexec.order.cancelDatasetorder(order);
  const listed = async () => (await iexec.orderbook.fetchDatasetOrderbook({ dataset: address })).count;
  assert.equal(await listed(), 0);
  assert.equal(await here.rpc('evm_revert', id), true);
  assert.equal(await here.rpc('eth_blockNumber'), head);
  assert.equal(await listed(), 1, 'the cancel was taken back, on the market too');
  await new Promise((resolve) => setTimeout(resolve, 300)); // the package keeps what it read so long
  assert.equal(await iexec.dataset.checkDeployedDataset(gone), false);
  assert.equal(await here.rpc('evm_revert', id), false);
  assert.ok((await deploy('after')).address);
  assert.equal(Number(await here.rpc('eth_blockNumber')), Number(head) + 1);
});

test('a ledger that went back still is the replay of its log', async () => {
  const head = Number(await here.rpc('eth_blockNumber'));
  await here.stop();
  assert.match(here.iappd('ledger', 'verify'), new RegExp(`\\b${head}\\b|\\b${head + 1}\\b`));
  await here.start();
  assert.equal(Number(await here.rpc('eth_blockNumber')), head);
});

await main();
