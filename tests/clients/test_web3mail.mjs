// @iexec/web3mail: contacts, one message, a campaign, through an app that writes what it was told instead of
// sending it; the app by its address and by its name.
import { IExecWeb3mail, getWeb3Provider } from '@iexec/web3mail';
import { IExecDataProtectorCore } from '@iexec/dataprotector';
import { ECHO_APP, assert, developer, installation, main, refused, sdk, test, until } from './lib.mjs';

const here = installation();
const contacts = [];
let app, iexec, me, owner, sender, granted;

const protector = (key) =>
  new IExecDataProtectorCore(getWeb3Provider(key, { host: here.urls.rpcUrl }), here.sdk.dataprotector);
const mail = (options) =>
  new IExecWeb3mail(getWeb3Provider(developer(1), { host: here.urls.rpcUrl }), { ...here.sdk.web3mail, ...options });

test('an installation with a message app that its name leads to', async () => {
  await here.start();
  app = here.deploy('echo', ECHO_APP);
  await here.stop();
  await here.start('--iapp', `web3mail-tdx=${app}`);
  iexec = sdk(here, developer(1));
  me = await iexec.wallet.getAddress();
  owner = protector(developer(0));
  sender = mail();
});

test('nobody is a contact before a grant', async () => {
  assert.deepEqual(await sender.fetchMyContacts(), []);
});

test('contacts by a grant to the app and by one to the whitelist', async () => {
  for (const [name, authorizedApp] of [['first', app], ['second', here.urls.whitelist.web3mail]]) {
    const { address } = await owner.protectData({ name, data: { email: `${name}@example.org` } });
    await owner.grantAccess({
      protectedData: address, authorizedApp, authorizedUser: me, allowBulk: true,
    });
    contacts.push(address);
  }
  const other = await owner.protectData({ name: 'no address', data: { telephone: '1' } });
  await owner.grantAccess({ protectedData: other.address, authorizedApp: app, authorizedUser: me });
  const found = await sender.fetchMyContacts();
  assert.deepEqual(found.map(({ name }) => name).sort(), ['first', 'second']);
  assert.deepEqual(
    found.map(({ address }) => address.toLowerCase()).sort(), contacts.map((a) => a.toLowerCase()).sort(),
  );
  assert.equal(found[0].isUserStrict, true);
  assert.ok(Number.isFinite(Date.parse(found[0].accessGrantTimestamp)));
  granted = found.map(({ grantedAccess }) => grantedAccess);
  assert.equal((await sender.fetchMyContacts({ bulkOnly: true })).length, 2);
  assert.equal((await sender.fetchUserContacts({ userAddress: me })).length, 2);
  await refused(
    sender.sendEmail({ protectedData: other.address, emailSubject: 's', emailContent: 'c' }),
    /email:string/,
  );
});

const done = (taskId) =>
  until(`task ${taskId}`, async () => {
    const task = await iexec.task.show(taskId);
    assert.notEqual(task.statusName, 'FAILED');
    return task.statusName === 'COMPLETED' && task;
  });

test('sendEmail: the default pool, a callback to an address without code', async () => {
  const { taskId, dealId } = await sender.sendEmail({
    protectedData: contacts[0], emailSubject: 'a subject', emailContent: 'the content', senderName: 'somebody',
  });
  const deal = await iexec.deal.show(dealId);
  assert.equal(deal.callback.toLowerCase(), '0x5f936db7ad6d29371808e42a87015595d90509ba');
  assert.equal(deal.workerpool.pointer.toLowerCase(), '0x2956f0cb779904795a5f30d3b3ea88b714c3123f');
  const task = await done(taskId);
  assert.equal(task.resultsCallback, '0x01');
});

test('sendEmail by a grant to the whitelist says what the ledger makes of it', async () => {
  await refused(
    sender.sendEmail({ protectedData: contacts[1], emailSubject: 's', emailContent: 'c' }),
    /restrict|revert|whitelist/i,
  );
});

test('a campaign is prepared and handed in: one task for its contacts', async () => {
  const { campaignRequest } = await sender.prepareEmailCampaign({
    grantedAccesses: granted, emailSubject: 'all', emailContent: 'to all', maxProtectedDataPerTask: 5,
  });
  assert.equal(campaignRequest.app.toLowerCase(), app.toLowerCase());
  assert.equal(campaignRequest.volume, '1');
  const { tasks } = await sender.sendEmailCampaign({ campaignRequest });
  assert.equal(tasks.length, 1);
  assert.equal(tasks[0].bulkIndex, 0);
  assert.equal((await iexec.deal.show(tasks[0].dealId)).botSize.toString(), '1');
});

test('the app by its address instead of its name', async () => {
  const by = mail({ dappAddressOrENS: app });
  assert.equal((await by.fetchMyContacts()).length, 2);
});

await main();
