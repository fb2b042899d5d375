// The commands of iexec's command line that test_cli.mjs does not run, each against `iapp up`.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { assert, atEnd, developer, installation, main, test } from './lib.mjs';

const here = installation();
const HERE = import.meta.dirname ?? dirname(fileURLToPath(import.meta.url));
const PACKAGES = join(HERE, '../node_modules');
const OTHER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const assets = {};
const hosts = {};
let folder, me;

// The program of one group of commands ("iexec-app.js"), kept for the next one.
const hostOf = (group) => {
  if (hosts[group]) return hosts[group];
  const name = ['init', 'info'].includes(group) ? 'iexec' : `iexec-${group}`;
  const file = join(PACKAGES, 'iexec/dist/esm/cli/cmd', `${name}.js`);
  const child = spawn(process.execPath, [join(HERE, 'cli_host.mjs'), file], {
    cwd: folder, env: here.env, stdio: ['pipe', 'pipe', 'ignore'],
  });
  atEnd(() => child.kill());
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  hosts[group] = async (words) => {
    child.stdin.write(`${JSON.stringify(words)}\n`);
    return JSON.parse((await lines.next()).value);
  };
  return hosts[group];
};
const run = async (group, ...words) =>
  hostOf(group)(['init', 'info'].includes(group) ? [group, ...words] : words);
// One command; its answer.
const iexec = async (...words) => {
  const { ok, text } = await run(...words, '--raw');
  assert.ok(ok, `iexec ${words.join(' ')}: ${text}`);
  return JSON.parse(text);
};
const mine = (...words) => iexec(...words, '--keystoredir', 'local');
const refusedTo = async (words, pattern) => {
  const { ok, text } = await run(...words, '--raw');
  assert.ok(!ok, `${words} must be refused: ${text}`);
  assert.match(text, pattern);
};

test('init, info, wallet create', async () => {
  await here.start();
  folder = join(here.top, 'project');
  mkdirSync(folder);
  await iexec('init', '--skip-wallet', '--force');
  writeFileSync(join(folder, 'chain.json'), JSON.stringify(here.sdk['chain.json']));
  assert.equal((await iexec('info')).hubAddress, here.urls.hubAddress);
  const empty = join(here.top, 'keys');
  mkdirSync(empty);
  const made = await iexec('wallet', 'create', '--unencrypted', '--force', '--keystoredir', empty);
  assert.match(made.wallet.address, /^0x/);
  me = (await iexec('wallet', 'import', developer(0), '--unencrypted', '--force')).wallet.address;
});

test('wallet: send-ether, send-RLC; account: approve, allowance, revoke', async () => {
  assert.ok((await mine('wallet', 'send-ether', '1', 'gwei', '--to', OTHER, '--force')).txHash);
  assert.ok((await mine('wallet', 'send-RLC', '1', 'RLC', '--to', OTHER, '--force')).txHash);
  assert.ok((await mine('account', 'approve', '5', OTHER)).txHash);
  assert.equal(BigInt(`0x${(await mine('account', 'allowance', OTHER)).amount}`), 5n); // in hexadecimal
  assert.ok((await mine('account', 'revoke', OTHER)).txHash);
});

test('apps and datasets: secrets', async () => {
  await mine('app', 'init');
  await mine('dataset', 'init', '--encrypted');
  writeFileSync(join(folder, 'datasets/original/data.txt'), 'some data');
  assert.ok((await iexec('dataset', 'encrypt')).ok);
  assets.app = (await mine('app', 'deploy')).address;
  assets.dataset = (await mine('dataset', 'deploy')).address;
  assert.equal((await iexec('app', 'show', assets.app)).app.owner, me);
  assert.equal((await iexec('app', 'check-secret', assets.app)).isSecretSet, false);
  await mine('app', 'push-secret', assets.app, '--secret-value', 'word');
  assert.equal((await iexec('app', 'check-secret', assets.app)).isSecretSet, true);
  await mine('dataset', 'push-secret', assets.dataset);
  assert.equal((await iexec('dataset', 'check-secret', assets.dataset)).isSecretSet, true);
});

test('apps, datasets, workerpools: publish, unpublish, count, transfer', async () => {
  await mine('workerpool', 'init');
  assets.workerpool = (await mine('workerpool', 'deploy')).address;
  assert.ok((await mine('app', 'publish', assets.app, '--price', '1', '--volume', '3', '--force')).orderHash);
  assert.ok((await mine('dataset', 'publish', assets.dataset, '--force', '--skip-preflight-check')).orderHash);
  assert.ok((await mine('workerpool', 'publish', assets.workerpool, '--force')).orderHash);
  const [dataset, requester] = await Promise.all([
    iexec('orderbook', 'dataset', assets.dataset), iexec('orderbook', 'requester')]);
  assert.equal(dataset.datasetOrders.length, 1);
  assert.equal(requester.requestOrders.length, 0);
  assert.equal((await iexec('orderbook', 'app', assets.app)).appOrders.length, 1);
  assert.ok((await iexec('orderbook', 'workerpool', '--category', '0')).workerpoolOrders.length > 0);
  assert.equal((await iexec('workerpool', 'show', assets.workerpool)).workerpool.owner, me);
  assert.match(`${(await mine('app', 'unpublish', assets.app, '--force')).unpublished}`, /^0x/);
  assert.match(`${(await mine('dataset', 'unpublish', assets.dataset, '--force')).unpublished}`, /^0x/);
  assert.match(`${(await mine('workerpool', 'unpublish', assets.workerpool, '--all', '--force')).unpublished}`, /^0x/);
  const counts = await Promise.all([mine('dataset', 'count'), mine('workerpool', 'count')]);
  assert.deepEqual(counts.map((c) => String(c.count)), ['1', '1']);
  assert.ok((await mine('dataset', 'transfer', assets.dataset, '--to', OTHER, '--force')).txHash);
  assert.ok((await mine('workerpool', 'transfer', assets.workerpool, '--to', OTHER, '--force')).txHash);
  assert.equal((await iexec('dataset', 'show', assets.dataset)).dataset.owner, OTHER);
});

test('an order is cancelled', async () => {
  await mine('order', 'init', '--app');
  const file = join(folder, 'iexec.json');
  const value = JSON.parse(readFileSync(file, 'utf8'));
  Object.assign(value.order.apporder, { app: assets.app, tag: ['tee', 'tdx'] });
  writeFileSync(file, JSON.stringify(value));
  await mine('order', 'sign', '--app', '--skip-preflight-check');
  assert.ok((await mine('order', 'cancel', '--app', '--force')).apporder.txHash);
  assert.ok((await mine('app', 'transfer', assets.app, '--to', OTHER, '--force')).txHash);
});

test('results: keys made, pushed, checked; requester secrets', async () => {
  await mine('result', 'generate-encryption-keypair', '--force');
  assert.equal((await mine('result', 'push-encryption-key')).isPushed, true);
  assert.equal((await iexec('result', 'check-encryption-key', me)).isEncryptionKeySet, true);
  assert.ok((await mine('requester', 'push-secret', 'login', '--secret-value', 'x')).isPushed);
  assert.equal((await iexec('requester', 'check-secret', 'login', me)).isSet, true);
  await refusedTo(['result', 'decrypt', 'nothing.zip'], /nothing\.zip|ENOENT|No such/i);
});

test('categories: shown and counted; made by the owner of the hub alone', async () => {
  const [shown, counted] = await Promise.all([iexec('category', 'show', '0'), iexec('category', 'count')]);
  assert.equal(shown.category.workClockTimeRef, '300');
  assert.equal(String(counted.count), '5');
  await iexec('category', 'init');
  await refusedTo(['category', 'create'], /owner/i);
});

test('an app of the market is asked for at a price; nothing is claimed before its time', async () => {
  const app = here.deploy('echo', 'int main(void) { return 0; }\n');
  const asked = await mine('app', 'request-execution', app, '--workerpool', here.urls.workerpool, '--tag',
    'tee,tdx', '--force', '--skip-preflight-check');
  assert.match(asked.orderHash, /^0x/);
  await refusedTo(['deal', 'claim', `0x${'11'.repeat(32)}`], /deal/i);
  await refusedTo(['task', 'claim', `0x${'11'.repeat(32)}`], /task/i);
});

test('wallet sweep', async () => {
  assert.ok((await mine('wallet', 'sweep', '--to', OTHER, '--force')).sendERC20TxHash);
});

await main();
