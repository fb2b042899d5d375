// The packages in a page of headless Chromium, bundled as web pages have them, at an origin of its own.
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { ECHO_APP, assert, atEnd, developer, installation, main, sdk, test } from './lib.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const CHROMIUM = 'chromium';
if (spawnSync(CHROMIUM, ['--version']).status !== 0) {
  process.stdout.write('1..0 # SKIP chromium is not installed\n');
  process.exit(0);
}

const here = installation();
const WAIT_MS = 60000;
const answers = new Map();
const waiting = new Map();
let app, bundle, server, browser, stderr;

// What a step of the page gave; a page that stands still is told with what the browser printed.
const answer = (step) =>
  new Promise((resolve, reject) => {
    if (!browser) reject(new Error('no browser'));
    if (answers.has(step)) resolve(answers.get(step));
    const timer = setTimeout(() => reject(new Error(`no "${step}": ${readFileSync(stderr)}`)), WAIT_MS);
    waiting.set(step, (value) => {
      clearTimeout(timer);
      resolve(value);
    });
    if (answers.has(step)) clearTimeout(timer);
  });

const good = async (step) => {
  const { value, error, stack } = await answer(step);
  assert.equal(error, undefined, `${step}: ${stack}`);
  return value;
};

const bad = async (step, pattern) => {
  const { value, error } = await answer(step);
  assert.equal(value, undefined, step);
  assert.match(error, pattern);
};

const body = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
};

const PAGE = '<!doctype html><meta charset=utf-8><script type=module src=/bundle.js></script>';
const config = () => ({
  rpcUrl: here.urls.rpcUrl, ipfs: new URL(here.urls.ipfsGatewayUrl).origin, sdk: here.sdk, app,
  keys: [developer(0), developer(1)],
});

const serve = async (request, response) => {
  const send = (type, text) => response.writeHead(200, { 'content-type': type }).end(text);
  if (request.url === '/bundle.js') return send('text/javascript', bundle);
  if (request.url === '/config') return send('application/json', JSON.stringify(config()));
  if (request.url !== '/report') return send('text/html', PAGE);
  const { step, ...value } = JSON.parse(await body(request));
  answers.set(step, value);
  waiting.get(step)?.(value);
  return send('application/json', '{}');
};

const flags = (profile) => [
  '--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', `--user-data-dir=${profile}`,
  ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
];

test('an installation with an app, the packages in one bundle, a browser', async () => {
  await here.start();
  app = here.deploy('echo', ECHO_APP);
  const built = await build({
    entryPoints: [join(HERE, 'page.mjs')], bundle: true, write: false, format: 'esm', platform: 'browser',
    // only asked for where there is no WebCrypto
    external: ['crypto'], target: 'es2022', preserveSymlinks: true, define: { global: 'globalThis' }, logLevel: 'silent',
  });
  bundle = built.outputFiles[0].text;
  server = createServer(serve);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  atEnd(() => server.close());
  const profile = join(here.top, 'profile');
  mkdirSync(profile);
  stderr = join(here.top, 'browser.log');
  const log = openSync(stderr, 'a');
  const page = `http://127.0.0.1:${server.address().port}/`;
  assert.notEqual(new URL(page).origin, new URL(here.urls.rpcUrl).origin);
  browser = spawn(CHROMIUM, [...flags(profile), page], {
    stdio: ['ignore', log, log], detached: true, env: { ...process.env, HOME: here.top, TMPDIR: here.top },
  });
  const ended = new Promise((resolve) => { browser.on('exit', resolve); });
  atEnd(async () => {
    // the browser is the leader of a group of its own: all of its processes
    try { process.kill(-browser.pid, 'SIGKILL'); } catch { return; }
    await ended;
  });
});

test('data are protected, through the wallet', async () => {
  const data = await good('protect');
  assert.deepEqual(data.schema, { email: 'string', bytes: 'application/octet-stream' });
  assert.ok(data.size > 300000);
  const iexec = sdk(here, developer(0));
  assert.equal(data.owner, await iexec.wallet.getAddress());
  assert.equal(await iexec.dataset.checkDatasetSecretExists(data.address), true);
  assert.equal((await iexec.dataset.showDataset(data.address)).dataset.datasetName, 'from a page');
});

test('access is granted, listed and found by who has it', async () => {
  const { address } = await good('protect');
  const grant = await good('grant');
  assert.equal(grant.dataset.toLowerCase(), address.toLowerCase());
  const { count, grantedAccess } = await good('list');
  assert.equal(count, 1);
  assert.equal(grantedAccess[0].sign, grant.sign);
  assert.equal((await good('found'))[0].name, 'from a page');
  const contacts = await good('contacts');
  assert.deepEqual(contacts.map(({ name }) => name), ['from a page']);
});

test('the app runs for the page: secret, key of the result, decrypted text', async () => {
  const { text } = await good('process');
  assert.match(text, /^argument 1=of\nargument 2=a\nargument 3=page\nIEXEC_REQUESTER_SECRET_1=open sesame\n/);
  assert.equal((await good('logs')).name, 'from a page');
});

test('the wallet was asked in the ways of EIP-1193', async () => {
  const asked = new Set(await good('asked'));
  for (const method of ['eth_chainId', 'eth_sendTransaction', 'eth_signTypedData_v4', 'personal_sign'])
    assert.ok(asked.has(method), method);
});

test('who does not own the data grants nothing; a wallet that says no signs nothing', async () => {
  await bad('not the owner', /owner|Failed to (sign|create|publish)/i);
  await bad('the user says no', /user said no|rejected/i);
  assert.equal((await good('still one grant')).count, 1);
});

test('a grant is taken back from the page', async () => {
  assert.match((await good('revoke')).txHash, /^0x[0-9a-f]{64}$/);
  assert.equal((await good('none left')).count, 0);
  await bad('process after', /No Dataset order/);
});

test('stored files are no scripts; what no service allows stays inside the page', async () => {
  await good('script stored');
  assert.equal(await good('script'), 'refused');
  await bad('other header', /fetch/i);
  await bad('credentials', /fetch/i);
  await good('end');
});

await main();
