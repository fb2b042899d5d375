// iexec: wallet, account, hub, network; apps, datasets and pools deployed, shown, counted, transferred.
import { assert, developer, installation, main, refused, sdk, test } from './lib.mjs';

const here = installation();
let iexec, me, other;

test('an installation starts', async () => {
  await here.start();
  iexec = sdk(here, developer(0));
  me = await iexec.wallet.getAddress();
  other = await sdk(here, developer(1)).wallet.getAddress();
  assert.equal((await iexec.network.getNetwork()).chainId, '421614');
});

test('wallet: balances, sendRLC, sendETH', async () => {
  const before = await iexec.wallet.checkBalances(other);
  assert.ok((await iexec.wallet.checkBalances(me)).nRLC.gtn(0), 'RLC at genesis');
  await iexec.wallet.sendRLC('5 RLC', other);
  await iexec.wallet.sendETH('1000', other);
  const after = await iexec.wallet.checkBalances(other);
  assert.equal(after.nRLC.sub(before.nRLC).toString(), '5000000000');
  assert.equal(after.wei.sub(before.wei).toString(), '1000');
});

test('account: deposit, allowance, withdraw', async () => {
  assert.equal((await iexec.account.deposit('10 RLC')).amount.toString(), '10000000000');
  assert.equal((await iexec.account.checkBalance(me)).stake.toString(), '10000000000');
  await iexec.account.withdraw('4000000000');
  assert.equal((await iexec.account.checkBalance(me)).stake.toString(), '6000000000');
  await iexec.account.approve(7, other);
  assert.equal((await iexec.account.checkAllowance(me, other)).toString(), '7');
  await iexec.account.revokeApproval(other);
  assert.equal((await iexec.account.checkAllowance(me, other)).toString(), '0');
  await refused(iexec.account.withdraw('7000000000000'), /exceed/);
});

test('hub: categories, timeout ratio', async () => {
  assert.equal((await iexec.hub.countCategory()).toString(), '5');
  assert.equal((await iexec.hub.showCategory(0)).workClockTimeRef.toString(), '300');
  assert.equal((await iexec.hub.getTimeoutRatio()).toString(), '10');
});

const HASH = `0x${'ab'.repeat(32)}`;
const kinds = {
  app: {
    args: (owner) => ({
      owner, name: 'an app', type: 'DOCKER', multiaddr: 'registry.example/app:1', checksum: HASH,
    }),
    module: () => iexec.app,
    verbs: ['predictAppAddress', 'deployApp', 'checkDeployedApp', 'showApp', 'countUserApps',
      'showUserApp', 'transferApp'],
  },
  dataset: {
    args: (owner) => ({ owner, name: 'a dataset', multiaddr: '/ipfs/QmExample', checksum: HASH }),
    module: () => iexec.dataset,
    verbs: ['predictDatasetAddress', 'deployDataset', 'checkDeployedDataset', 'showDataset',
      'countUserDatasets', 'showUserDataset', 'transferDataset'],
  },
  workerpool: {
    args: (owner) => ({ owner, description: 'a pool' }),
    module: () => iexec.workerpool,
    verbs: ['predictWorkerpoolAddress', 'deployWorkerpool', 'checkDeployedWorkerpool',
      'showWorkerpool', 'countUserWorkerpools', 'showUserWorkerpool', 'transferWorkerpool'],
  },
};

for (const [kind, { args, module, verbs }] of Object.entries(kinds)) {
  const [predict, deploy, check, show, count, showUser, transfer] = verbs;

  test(`${kind}: ${verbs.join(', ')}`, async () => {
    const wanted = args(me);
    const address = await module()[predict](wanted);
    assert.equal(await module()[check](address), false);
    assert.equal((await module()[deploy](wanted)).address, address);
    assert.equal(await module()[check](address), true);
    const shown = await module()[show](address);
    assert.equal(shown.objAddress, address);
    assert.equal(shown[kind].owner, me);
    if (kind === 'app') assert.equal(shown.app.appMultiaddr, wanted.multiaddr);
    if (kind === 'dataset') assert.equal(shown.dataset.datasetName, wanted.name);
    if (kind === 'workerpool') assert.equal(shown.workerpool.workerpoolDescription, 'a pool');
    assert.equal((await module()[count](me)).toString(), '1');
    assert.equal((await module()[showUser](0, me)).objAddress, address);
    await refused(module()[deploy](wanted), /already deployed/);
    assert.equal((await module()[transfer](address, other)).to, other);
    assert.equal((await module()[show](address))[kind].owner, other);
    assert.equal((await module()[count](me)).toString(), '0');
    await refused(module()[show](me), /No .* found|not found|not deployed/i);
  });
}

test('dataset: encryption by the package', async () => {
  const key = iexec.dataset.generateEncryptionKey();
  const sealed = await iexec.dataset.encrypt(Buffer.from('text'), key);
  assert.match(await iexec.dataset.computeEncryptedFileChecksum(sealed), /^0x[0-9a-f]{64}$/);
});

await main();
