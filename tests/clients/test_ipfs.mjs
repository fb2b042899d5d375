// kubo-rpc-client, as iExec's packages bring it, against our blob store: what they use, and what a person
// would try next.
import { assert, installation, main, refused, test } from './lib.mjs';

const { create, CID } = await import('kubo-rpc-client');

const here = installation();
const KIB = 1024;
const bytes = (n) => Uint8Array.from({ length: n }, (_, i) => (7 * i + (i >> 8) + (i >> 16)) & 255);
let kubo;

const all = async (source) => {
  const parts = [];
  for await (const part of source) parts.push(part);
  return parts;
};
const text = async (source) => Buffer.concat(await all(source)).toString();

test('an installation starts', async () => {
  await here.start();
  kubo = create({ url: here.urls.ipfsNodeUrl });
});

test('version says who answers', async () => {
  const { version, system } = await kubo.version();
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.equal(system, 'iapp');
});

test('add and cat, with the CIDs of Kubo', async () => {
  const { cid, size, path } = await kubo.add('hello world\n');
  assert.equal(cid.toString(), 'QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o');
  assert.deepEqual([size, path], [20, cid.toString()]);
  assert.equal(await text(kubo.cat(cid)), 'hello world\n');
  assert.equal(await text(kubo.cat(`/ipfs/${cid}`)), 'hello world\n');
  assert.equal(await text(kubo.cat(cid, { offset: 6, length: 5 })), 'world');
  const one = await kubo.add('hello world\n', { cidVersion: 1 });
  assert.equal(one.cid.toString(), 'bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4');
  const node = await kubo.add('hello world\n', { cidVersion: 1, rawLeaves: false });
  assert.equal(node.cid.toString(), cid.toV1().toString());
});

test('several files at once, with their names', async () => {
  const added = await all(kubo.addAll([{ path: 'a.txt', content: 'a' }, { path: 'b.txt', content: 'b' }]));
  assert.deepEqual(added.map((f) => f.path), ['a.txt', 'b.txt']);
  assert.equal(await text(kubo.cat(added[1].cid)), 'b');
});

test('every form of a CID names the blob', async () => {
  const { cid } = await kubo.add('hello world\n');
  const raw = CID.createV1(0x55, cid.multihash);
  const forms = [
    cid, cid.toV1(), raw,
    'zdj7WaCPMsy3FP2whSwpFXHjDEaTVmjnddYSn5W2Gdn4aEZFj',
    'k2jmtxt4nv2kx0qz1ncwpjwzdixb27xsgqxk7kgho4nnmjceustvi80e',
    'f0170122046d44814b9c5af141c3aaab7c05dc5e844ead5f91f12858b021eba45768b4c0e',
    'BAFYBEICG2REBJOOFV4KBYOVKW7AF3RPIITVNL6I7CKCYWAQ6XJCXNC2MBY',
    'K2CWUEAEYFPESG6DH7U4AJ6YPZO5VSW2H4M4M3D84TNR0MFZSFMXREOE',
  ];
  for (const form of forms) {
    const answer = await fetch(`${here.urls.ipfsGatewayUrl}/ipfs/${form}`);
    assert.equal(answer.status, 200, `${form}`);
    assert.equal(await answer.text(), 'hello world\n', `${form}`);
  }
});

test('what is here stays, so pinning is looking', async () => {
  const { cid } = await kubo.add('hello world\n');
  assert.equal((await kubo.pin.add(cid)).toString(), cid.toString());
  const [{ cid: found, type }] = await all(kubo.pin.ls({ paths: [cid] }));
  assert.deepEqual([found.toString(), type], [cid.toString(), 'recursive']);
  await refused(all(kubo.pin.ls()), /only of a CID that you name/);
  await refused(kubo.pin.add('QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'), /no blob Qm/);
});

// as ipfs-unixfs-importer 17.1.1 makes them: the block of a file that is one chunk is the chunk and its
// frame; of a larger one, its links
test('block sizes', async () => {
  for (const [n, size] of [[12, 20], [262144, 262158], [262145, 100], [600 * KIB, 152]]) {
    const { cid } = await kubo.add(bytes(n));
    const stat = await kubo.block.stat(cid);
    assert.deepEqual([stat.cid.toString(), stat.size], [cid.toString(), size], `${n} bytes`);
  }
});

test('what is not offered says so', async () => {
  await refused(kubo.id(), /command "id" is not offered/);
  await refused(kubo.swarm.peers(), /command "swarm\/peers" is not offered/);
  await refused(kubo.pin.rm('QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o'), /command "pin\/rm"/);
  await refused(kubo.files.stat('/'), /command "files\/stat" is not offered/);
  await refused(kubo.add('x', { wrapWithDirectory: true }), /wrap-with-directory is not offered/);
  await refused(kubo.add('x', { chunker: 'rabin' }), /only size-262144/);
  await refused(kubo.add({ path: 'folder/a.txt', content: 'x' }), /folders are not offered: "folder\/a.txt"/);
  await refused(kubo.add({ path: 'folder' }), /folders are not offered/);
  await refused(kubo.add({ path: 'a.txt', content: 'x', mode: 0o755 }), /modes and times of files/);
  await refused(text(kubo.cat('QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG')), /no blob Qm/);
});

test('errors have the form of IPFS nodes', async () => {
  const base = here.urls.ipfsNodeUrl;
  for (const [path, status, message] of [
    ['/api/v0/cat', 400, 'argument "ipfs-path" is required'],
    ['/api/v0/cat?arg=x', 400, 'invalid path "x": not a CID of this store'],
    ['/api/v0/nothing', 404, 'command "nothing" is not offered'],
    ['/api/v0/add', 400, undefined],
  ]) {
    const answer = await fetch(`${base}${path}`, { method: 'POST' });
    const body = await answer.json();
    assert.equal(answer.status, status, path);
    assert.deepEqual([body.Code, body.Type], [0, 'error'], path);
    if (message) assert.equal(body.Message, message);
  }
  assert.equal((await fetch(`${base}/api/v0/version`)).status, 405);
});

await main();
