// @iexec/web3mail through our message app in the real guest: contacts, one message, a campaign; the app by
// its name and by its address, by grants to it and to a line of its versions.
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import JSZip from 'jszip';
import { IExecWeb3mail, getWeb3Provider } from '@iexec/web3mail';
import { IExecDataProtectorCore } from '@iexec/dataprotector';
import { assert, developer, installation, main, refused, sdk, test, until } from './lib.mjs';

const here = installation();
const NOBODY_LOOKED = `0x${'0'.repeat(64)}`;
const SUBJECT = 'Grüße from Ελλάδα';
const contacts = {};
const grants = {};
let app, line, iexec, me, owner, requester, sender;

const protector = (key) =>
  new IExecDataProtectorCore(getWeb3Provider(key, { host: here.urls.rpcUrl }), here.sdk.dataprotector);
const mail = (options) =>
  new IExecWeb3mail(getWeb3Provider(developer(1), { host: here.urls.rpcUrl }), { ...here.sdk.web3mail, ...options });
// what the package has built in, or was told
const pool = () => here.mailPool.workerpoolAddressOrEns ?? '0x2956f0cb779904795a5f30d3b3ea88b714c3123f';
const lower = (list) => list.map((a) => a.toLowerCase()).sort();

test('an installation with the message app that its name leads to', async () => {
  await here.start();
  app = here.deployApp('message');
  line = await here.line(app);
  await here.stop();
  await here.start('--iapp', `web3mail-tdx=${app}`);
  iexec = sdk(here, developer(1));
  me = await iexec.wallet.getAddress();
  owner = protector(developer(0));
  requester = protector(developer(1));
  sender = mail();
});

test('`iapp test` of the app: mock data, and content that lies with the services', async () => {
  const folder = join(here.top, 'message');
  const key = iexec.dataset.generateEncryptionKey();
  const form = new FormData();
  form.append('file', new Blob([await iexec.dataset.encrypt(Buffer.from('tried here'), key)]));
  const added = await fetch(`${here.urls.ipfsNodeUrl}/api/v0/add`, { method: 'POST', body: form });
  const { Hash } = await added.json();
  writeFileSync(join(folder, 'secret'), JSON.stringify({
    emailSubject: 's', emailContentMultiAddr: `/ipfs/${Hash}`, emailContentEncryptionKey: key,
  }));
  here.iappIn(folder, 'mock', 'data', 'email=me@example.org');
  here.iappIn(folder, 'test', '--data', 'default', '--requester-secret', '1=@secret', '--out', 'tried');
  const message = readFileSync(join(folder, 'tried/message.eml'), 'utf8');
  assert.match(message, /\r\n\r\ndHJpZWQgaGVyZQ==\r\n$/);
});

test('nobody is a contact before a grant', async () => {
  assert.deepEqual(await sender.fetchMyContacts(), []);
});

const invite = async (name, email, authorizedApp) => {
  const { address } = await owner.protectData({ name, data: { email } });
  contacts[name] = address;
  grants[name] = await owner.grantAccess({
    protectedData: address, authorizedApp, authorizedUser: me, allowBulk: true,
  });
};

test('contacts by grants to the app, to the built-in whitelist, to a line of ours', async () => {
  await invite('first', 'first@example.org', app);
  await invite('second', 'second@example.org', here.urls.whitelist.web3mail);
  await invite('of the line', 'third@example.org', line);
  const other = await owner.protectData({ name: 'no address', data: { telephone: '1' } });
  await owner.grantAccess({ protectedData: other.address, authorizedApp: app, authorizedUser: me });
  const found = await sender.fetchMyContacts();
  assert.deepEqual(found.map(({ name }) => name).sort(), ['first', 'second']);
  assert.equal(found[0].isUserStrict, true);
  assert.ok(Number.isFinite(Date.parse(found[0].accessGrantTimestamp)));
  assert.equal((await sender.fetchMyContacts({ bulkOnly: true })).length, 2);
  assert.equal((await sender.fetchUserContacts({ userAddress: me })).length, 2);
  const byLine = await mail({ dappWhitelistAddress: line }).fetchMyContacts();
  assert.deepEqual(byLine.map(({ name }) => name).sort(), ['first', 'of the line']);
  assert.deepEqual(
    lower(byLine.map(({ address }) => address)), lower([contacts.first, contacts['of the line']]),
  );
  await refused(
    sender.sendEmail({ ...here.mailPool, protectedData: other.address, emailSubject: 's', emailContent: 'c' }),
    /email:string/,
  );
});

const done = (taskId) =>
  until(`task ${taskId}`, async () => {
    const task = await iexec.task.show(taskId).catch(() => ({}));
    assert.notEqual(task.statusName, 'FAILED');
    return task.statusName === 'COMPLETED' && task;
  });

const base64 = (text) =>
  Buffer.from(text).toString('base64').replace(/.{76}(?=.)/g, '$&\r\n');
const part = (type, text) =>
  `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(text)}\r\n`;
// What the app is to compose, made once more.
const expected = (data, { from, subject = '=?UTF-8?B?R3LDvMOfZSBmcm9tIM6VzrvOu86szrTOsQ==?=', body }) =>
  `From: "${from}"\r\n <message@iapp.invalid>\r\nTo: undisclosed-recipients:;\r\nSubject: ${subject}\r\n`
  + `X-Protected-Data: ${data}\r\nMIME-Version: 1.0\r\n${body}`;

const lengthOf = (text) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return length;
};

// What the key service gave the enclave, and gives nobody else: derived from its root, which this test owns
// (docs/release.md 8).
const blindOf = async (taskId) => {
  const home = here.env.IAPP_HOME;
  const { privateKey } = Wallet.fromEncryptedJsonSync(
    readFileSync(join(home, 'sms/root'), 'utf8'), readFileSync(join(home, 'passphrase'), 'utf8').trim(),
  );
  const key = hkdfSync('sha256', Buffer.from(privateKey.slice(2), 'hex'), '', 'iapp-blind-sim/v1', 32);
  const label = 'iapp-result-blind-SIM/v1';
  const task = Buffer.from(taskId.slice(2), 'hex');
  const info = Buffer.concat([lengthOf(label), Buffer.from(label), lengthOf(task), task]);
  return createHmac('sha256', Buffer.from(key)).update(info).update(Buffer.from([1])).digest();
};

// The result of a deal with a callback is stored nowhere. What the enclave signed about it, the hash of
// every file that the app left and of the blind, is in the task's receipt.
const composed = async (taskId, data, message) => {
  const api = await iexec.workerpool.getWorkerpoolApiUrl(pool());
  // the worker reports after it has settled
  const receipt = await until('the run statement', async () => {
    const found = await (await fetch(`${api}/tasks/${taskId}/receipt`)).json();
    return found.run && found;
  });
  const statement = JSON.parse(Buffer.from(receipt.run.payload, 'base64').toString());
  const { digest } = statement.subject.find(({ name }) => name === 'output');
  const left = [
    ['computed.json', JSON.stringify({
      'deterministic-output-path': '/iexec_out/result.json', 'callback-data': NOBODY_LOOKED,
    }, null, 2)],
    ['message.eml', message],
    ['result.json', JSON.stringify({ protectedData: data, success: true }, null, 2)],
  ];
  const manifest = (label, blind) => {
    const hash = createHash('sha256');
    const prefixed = (text) => hash.update(lengthOf(text)).update(text);
    prefixed(label);
    if (blind) prefixed(blind);
    for (const [name, text] of left) {
      const size = Buffer.alloc(8);
      size.writeBigUInt64BE(BigInt(Buffer.byteLength(text)));
      prefixed(name);
      hash.update(size).update(createHash('sha256').update(text).digest());
    }
    return hash.digest('hex');
  };
  // whoever guesses the message right learns nothing from the receipt
  assert.notEqual(digest.manifest, manifest('iapp-manifest-SIM/v1'));
  assert.equal(digest.manifest, manifest('iapp-manifest-SIM/v2', await blindOf(taskId)), message);
};

test('sendEmail: the default pool, a callback to an address without code', async () => {
  const { taskId, dealId } = await sender.sendEmail({
    ...here.mailPool,
    protectedData: contacts.first, emailSubject: SUBJECT, emailContent: 'one\ntwo – три',
    senderName: 'Some "body"', label: 'label',
  });
  const deal = await iexec.deal.show(dealId);
  assert.equal(deal.callback.toLowerCase(), '0x5f936db7ad6d29371808e42a87015595d90509ba');
  assert.equal(deal.workerpool.pointer.toLowerCase(), pool().toLowerCase());
  const task = await done(taskId);
  assert.equal(task.resultsCallback, NOBODY_LOOKED);
  const data = contacts.first.toLowerCase();
  await composed(taskId, data, expected(data, {
    from: 'Some \\"body\\" via Web3mail', body: part('text/plain', 'one\r\ntwo – три'),
  }));
  const { task: seen, replicates } = await iexec.task.fetchOffchainInfo(taskId);
  assert.equal(seen.status, 'COMPLETED');
  assert.equal(replicates[0].exitCode, 0);
});

test('sendEmail: HTML goes with its text, and large content from many blocks', async () => {
  const line80 = `${'<b>x</b> &amp; y'.padEnd(79)}\n`;
  const html = `<p>Hello</p>${line80.repeat(6000)}`;
  const text = `Hello\r\n${`${'x & y'.padEnd(79 - 11)}\r\n`.repeat(6000)}`;
  const { taskId } = await sender.sendEmail({
    ...here.mailPool,
    protectedData: contacts.first, emailSubject: 'plain', emailContent: html, contentType: 'text/html',
  });
  await done(taskId);
  const both = '--=_message\r\n';
  const data = contacts.first.toLowerCase();
  await composed(taskId, data, expected(data, {
    from: 'Web3mail', subject: 'plain',
    body: `Content-Type: multipart/alternative; boundary="=_message"\r\n\r\n${both}`
      + part('text/plain', text) + both
      + part('text/html', html.replaceAll('\n', '\r\n')) + '--=_message--\r\n',
  }));
});

test('sendEmail by a grant to a whitelist without the app says what the ledger makes of it', async () => {
  await refused(
    sender.sendEmail({ ...here.mailPool, protectedData: contacts.second, emailSubject: 's', emailContent: 'c' }),
    /restrict|revert|whitelist/i,
  );
});

test('a line of versions: a new one is used once it is in the line, an old one no more once it is out', async () => {
  const newer = here.deployApp('message', 'message2', (folder) => {
    const file = join(folder, 'src/mail.c');
    writeFileSync(file, readFileSync(file, 'utf8').replace('%s%sWeb3mail"', '%s%sWeb3mail 2"'));
  });
  const send = async (dappAddressOrENS) => {
    const { taskId } = await mail({ dappAddressOrENS, dappWhitelistAddress: line }).sendEmail({
    ...here.mailPool,
      protectedData: contacts['of the line'], emailSubject: SUBJECT, emailContent: 'c',
    });
    await done(taskId);
    return taskId;
  };
  const data = contacts['of the line'].toLowerCase();
  const said = async (taskId, from) =>
    composed(taskId, data, expected(data, { from, body: part('text/plain', 'c') }));
  await said(await send(app), 'Web3mail');
  await refused(send(newer), /restrict|revert|whitelist/i);
  here.iapp('app', 'line', 'add', line, newer);
  await said(await send(newer), 'Web3mail 2');
  here.iapp('app', 'line', 'remove', line, app);
  await refused(send(app), /restrict|revert|whitelist/i);
  here.iapp('app', 'line', 'add', line, app);
});

const files = async (taskId) => {
  const zip = await JSZip.loadAsync(await (await iexec.task.fetchResults(taskId)).arrayBuffer());
  return {
    names: Object.keys(zip.files).sort(),
    text: (name) => zip.file(name).async('string'),
    result: JSON.parse(await zip.file('result.json').async('string')),
  };
};

test('a campaign of several slices; whoever took the grant back is reported, not passed over', async () => {
  await invite('fourth', 'fourth@example.org', app);
  await invite('odd', 'no address at all', app);
  await invite('gone', 'gone@example.org', app);
  const order = ['first', 'gone', 'of the line', 'odd', 'fourth'];
  const { campaignRequest } = await sender.prepareEmailCampaign({
    ...here.mailPool,
    grantedAccesses: order.map((name) => grants[name]), emailSubject: SUBJECT, emailContent: 'to all',
    senderName: 'somebody', maxProtectedDataPerTask: 2,
  });
  assert.equal(campaignRequest.volume, '3');
  await owner.revokeOneAccess(grants.gone);
  const { tasks } = await sender.sendEmailCampaign({ campaignRequest, ...here.mailPool });
  assert.deepEqual(tasks.map(({ bulkIndex }) => bulkIndex), [0, 1, 2]);
  for (const { taskId } of tasks) await done(taskId);
  const seen = await requester.inspectBulkRequest({ bulkRequest: campaignRequest, detailed: true });
  assert.equal(seen.bulkStatus, 'FINISHED');
  const [one, two, three] = await Promise.all(tasks.map(({ taskId }) => files(taskId)));
  const row = (index, name, success, error) =>
    ({ index, protectedData: contacts[name], success, ...(error ? { error } : {}) });
  const partly = { success: false, error: 'Partial failure', totalCount: 2, successCount: 1, errorCount: 1 };
  const why = one.result.results[1].error;
  assert.match(why, /grant does not admit this task: [A-Z_]+$/);
  assert.deepEqual(one.result, {
    ...partly, results: [row(1, 'first', true), row(2, 'gone', false, why)],
  });
  assert.deepEqual(two.result, {
    ...partly,
    results: [row(1, 'of the line', true),
      row(2, 'odd', false, 'ProtectedData error: "email" must be a valid email')],
  });
  assert.deepEqual(three.result, {
    success: true, totalCount: 1, successCount: 1, errorCount: 0, results: [row(1, 'fourth', true)],
  });
  for (const [it, name] of [[one, 'first'], [two, 'of the line'], [three, 'fourth']]) {
    assert.deepEqual(it.names, ['computed.json', 'message-1.eml', 'result.json']);
    assert.equal(await it.text('message-1.eml'), expected(contacts[name], {
      from: 'somebody via Web3mail', body: part('text/plain', 'to all'),
    }));
  }
  // nobody in the iApp's network said anything of an address
  const all = await Promise.all([one, two, three].map(async (it) =>
    (await Promise.all(it.names.map((name) => it.text(name)))).join('')));
  assert.doesNotMatch(all.join(''), /@example\.org|no address at all/);
});

test('the app by its address instead of its name', async () => {
  const found = await mail({ dappAddressOrENS: app }).fetchMyContacts();
  assert.deepEqual(found.map(({ name }) => name).sort(), ['first', 'fourth', 'odd', 'second']);
});

await main();
