// iexec: a task from its orders to its decrypted result through our worker and guest, with every kind of
// secret; observation, logs, task information; storage.
import { execFileSync } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import JSZip from 'jszip';
import { ECHO_APP, IEXEC, TAG, assert, developer, installation, main, refused, sdk, test, utils } from './lib.mjs';

const here = installation();
let iexec, me, app, done;

// The app order of its owner (our command line's wallet) is on the market; so are the pool's orders.
const run = async (params = {}, more = {}) => {
  const apporder = (await iexec.orderbook.fetchAppOrderbook({ app, minTag: TAG })).orders[0].order;
  const workerpoolorder = (
    await iexec.orderbook.fetchWorkerpoolOrderbook({
      workerpool: here.urls.workerpool, category: 0, minTag: TAG,
    })
  ).orders[0].order;
  const requestorder = await iexec.order.signRequestorder(
    await iexec.order.createRequestorder({ app, category: 0, tag: TAG, params, ...more }),
  );
  const { dealid } = await iexec.order.matchOrders({ apporder, workerpoolorder, requestorder });
  return dealid;
};

const watch = (observable) =>
  new Promise((resolve, reject) => {
    const messages = [];
    observable.subscribe({
      next: ({ message }) => messages.push(message),
      complete: () => resolve(messages),
      error: reject,
    });
  });

const text = async (zip, name) => {
  const archive = await JSZip.loadAsync(zip);
  return archive.file(name).async('string');
};

test('an installation with an app', async () => {
  await here.start();
  iexec = sdk(here, developer(0));
  me = await iexec.wallet.getAddress();
  app = here.deploy('echo', ECHO_APP);
  assert.equal((await iexec.app.showApp(app)).app.appType, 'DOCKER');
});

test('a task runs; deal and task are observed to the end; its result is fetched', async () => {
  const dealid = await run({ iexec_args: 'one "two words"' });
  const task = await iexec.deal.computeTaskId(dealid, 0);
  const [ofDeal, ofTask] = await Promise.all([
    watch(await iexec.deal.obsDeal(dealid)),
    watch(await iexec.task.obsTask(task, { dealid })),
  ]);
  assert.equal(ofDeal.at(-1), 'DEAL_COMPLETED');
  assert.equal(ofTask.at(-1), 'TASK_COMPLETED');
  const shown = await iexec.task.show(task);
  assert.equal(shown.statusName, 'COMPLETED');
  assert.equal(shown.results.storage, 'ipfs');
  const answer = await iexec.task.fetchResults(task);
  const said = await text(await answer.arrayBuffer(), 'said.txt');
  assert.match(said, /^argument 1=one\nargument 2=two words\n/);
  done = task;
});

test("the pool's interface: its address, task information, logs for the requester", async () => {
  const url = await iexec.workerpool.getWorkerpoolApiUrl(here.urls.workerpool);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const { task, replicates } = await iexec.task.fetchOffchainInfo(done);
  assert.equal(task.status, 'COMPLETED');
  assert.ok(task.statusHistory.length >= 3);
  assert.ok(Number.isFinite(Date.parse(task.statusHistory[0].date)));
  assert.equal(replicates.length, 1);
  assert.equal(replicates[0].exitCode, 0);
  assert.match(replicates[0].worker, /^0x[0-9a-fA-F]{40}$/);
  assert.deepEqual([replicates[0].status, replicates[0].statusHistory.map((s) => s.status)],
    ['COMPLETED', ['CREATED', 'COMPLETED']]);
  assert.ok(replicates[0].statusHistory.every(({ date }) => Number.isFinite(Date.parse(date))));
  // what a person would try next to these
  const one = `${url}/tasks/${done}/replicates/${replicates[0].worker}`;
  assert.equal((await (await fetch(one)).json()).currentStatus, 'COMPLETED');
  assert.equal((await fetch(`${one}/logs`)).status, 401);
  assert.equal((await fetch(`${url}/tasks/${done}/replicates/${me}`)).status, 404);
  assert.match(await (await fetch(`${url}/version`)).text(), /^\d+\.\d+/);
  const [logs] = await iexec.task.fetchLogs(done);
  assert.equal(logs.worker.toLowerCase(), replicates[0].worker.toLowerCase());
  assert.match(logs.stdout, /the app has run/);
  await refused(sdk(here, developer(1)).task.fetchLogs(done), /requester/);
});

test('secrets of the requester and of the app reach the app', async () => {
  assert.equal(await iexec.secrets.checkRequesterSecretExists(me, 'word'), false);
  assert.equal((await iexec.secrets.pushRequesterSecret('word', 'abracadabra')).isPushed, true);
  assert.equal(await iexec.secrets.checkRequesterSecretExists(me, 'word'), true);
  await refused(iexec.secrets.pushRequesterSecret('word', 'again'), /already exists/);
  const { address } = await iexec.app.deployApp({
    owner: me, name: 'mine', type: 'DOCKER', multiaddr: 'registry.example/a:1', checksum: `0x${'ab'.repeat(32)}`,
  });
  assert.equal(await iexec.app.checkAppSecretExists(address), false);
  assert.equal(await iexec.app.pushAppSecret(address, 'of the app'), true);
  assert.equal(await iexec.app.checkAppSecretExists(address), true);
  await refused(iexec.app.pushAppSecret(address, 'again'), /already exists/);
  const dealid = await run({ iexec_secrets: { 1: 'word' } });
  const task = await iexec.deal.computeTaskId(dealid, 0);
  await watch(await iexec.task.obsTask(task, { dealid }));
  const said = await text(await (await iexec.task.fetchResults(task)).arrayBuffer(), 'said.txt');
  assert.match(said, /IEXEC_REQUESTER_SECRET_1=abracadabra/);
});

test('an encrypted result is decrypted by the package', async () => {
  const pair = await webcrypto.subtle.generateKey(
    { name: 'RSA-OAEP', modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
    true,
    ['encrypt', 'decrypt'],
  );
  assert.equal(await iexec.result.checkResultEncryptionKeyExists(me), false);
  assert.deepEqual(await iexec.result.pushResultEncryptionKey(pair.publicKey), {
    isPushed: true, isUpdated: false,
  });
  await refused(iexec.result.pushResultEncryptionKey(pair.publicKey), /already exists/);
  const again = await iexec.result.pushResultEncryptionKey(pair.publicKey, { forceUpdate: true });
  assert.deepEqual(again, { isPushed: true, isUpdated: true });
  assert.equal(await iexec.result.checkResultEncryptionKeyExists(me), true);
  const dealid = await run({ iexec_result_encryption: true });
  const task = await iexec.deal.computeTaskId(dealid, 0);
  await watch(await iexec.task.obsTask(task, { dealid }));
  const sealed = await (await iexec.task.fetchResults(task)).arrayBuffer();
  const opened = await utils.decryptResult(sealed, pair.privateKey);
  assert.match(await text(opened, 'said.txt'), /IEXEC_DATASET_ADDRESS=0x0000/);
  // its size says little, and the one file more is no hindrance to any reader
  assert.ok([4096, 8192, 16384].includes(sealed.byteLength), `${sealed.byteLength} bytes`);
  const archive = await JSZip.loadAsync(opened);
  assert.deepEqual(Object.keys(archive.files).sort(), ['.iapp-blind', 'computed.json', 'data.zip', 'said.txt']);
  const blind = await archive.file('.iapp-blind').async('nodebuffer');
  assert.ok(blind.length >= 32 && blind.subarray(32).every((b) => b === 0), 'the blind, then zeroes');
  assert.ok(blind.subarray(0, 32).some((b) => b !== 0));
  const folder = mkdtempSync(join(tmpdir(), 'iapp-sealed-'));
  writeFileSync(join(folder, 'sealed.zip'), Buffer.from(sealed));
  writeFileSync(join(folder, 'plain.zip'), Buffer.from(opened));
  for (const name of ['sealed.zip', 'plain.zip']) {
    execFileSync('python3', ['-m', 'zipfile', '-t', join(folder, name)]);
    try {
      execFileSync('unzip', ['-tqq', join(folder, name)]);
    } catch (e) {
      if (e.code !== 'ENOENT') throw e;
    }
  }
  rmSync(folder, { recursive: true });
});

test('a dataset: encrypted by the package, key pushed, bought, read by the app', async () => {
  const key = iexec.dataset.generateEncryptionKey();
  const sealed = await iexec.dataset.encrypt(Buffer.from('the data'), key);
  const form = new FormData();
  form.append('file', new Blob([sealed]));
  const added = await fetch(`${here.urls.ipfsNodeUrl}/api/v0/add`, { method: 'POST', body: form });
  const { Hash } = await added.json();
  const { address } = await iexec.dataset.deployDataset({
    owner: me, name: 'words', multiaddr: `/ipfs/${Hash}`,
    checksum: await iexec.dataset.computeEncryptedFileChecksum(sealed),
  });
  assert.equal(await iexec.dataset.checkDatasetSecretExists(address), false);
  assert.equal(await iexec.dataset.pushDatasetSecret(address, key), true);
  assert.equal(await iexec.dataset.checkDatasetSecretExists(address), true);
  await refused(iexec.dataset.pushDatasetSecret(address, key), /already exists/);
  const datasetorder = await iexec.order.signDatasetorder(
    await iexec.order.createDatasetorder({ dataset: address, tag: TAG, apprestrict: app }),
  );
  await iexec.order.publishDatasetorder(datasetorder);
  const apporder = (await iexec.orderbook.fetchAppOrderbook({ app, minTag: TAG })).orders[0].order;
  const workerpoolorder = (
    await iexec.orderbook.fetchWorkerpoolOrderbook({ workerpool: here.urls.workerpool, category: 0 })
  ).orders[0].order;
  const requestorder = await iexec.order.signRequestorder(
    await iexec.order.createRequestorder({ app, dataset: address, category: 0, tag: TAG }),
  );
  const { dealid } = await iexec.order.matchOrders({
    apporder, datasetorder, workerpoolorder, requestorder,
  });
  const task = await iexec.deal.computeTaskId(dealid, 0);
  await watch(await iexec.task.obsTask(task, { dealid }));
  const zip = await (await iexec.task.fetchResults(task)).arrayBuffer();
  assert.equal(await text(zip, 'data.zip'), 'the data');
});

// iexec 8 takes the provider among the options
const provider = (options) =>
  IEXEC === 'iexec8' ? [{ provider: 'dropbox', ...options }] : ['dropbox', options];

test('storage tokens', async () => {
  assert.equal(await iexec.storage.checkStorageTokenExists(me, ...provider()), false);
  assert.deepEqual(await iexec.storage.pushStorageToken('token', ...provider()), {
    isPushed: true, isUpdated: false,
  });
  assert.equal(await iexec.storage.checkStorageTokenExists(me, ...provider()), true);
  await refused(iexec.storage.pushStorageToken('other', ...provider()), /already exists/);
  const updated = await iexec.storage.pushStorageToken('other', ...provider({ forceUpdate: true }));
  assert.deepEqual(updated, { isPushed: true, isUpdated: true });
});

test('several tasks of a deal end one by one', async () => {
  const dealid = await run({}, { volume: 3 });
  const messages = await watch(await iexec.deal.obsDeal(dealid));
  assert.equal(messages.at(-1), 'DEAL_COMPLETED');
  const tasks = Object.values((await iexec.deal.show(dealid)).tasks);
  assert.equal(tasks.length, 3);
});

await main();
