// iexec: orders of every kind signed, published, fetched, filtered, taken back, cancelled; matched with an
// estimate; deals listed by every order.
import { IEXEC, TAG, ZERO, assert, developer, installation, main, refused, sdk, secondsLater, test } from './lib.mjs';

const here = installation();
const HASH = `0x${'ab'.repeat(32)}`;
let seller, buyer, app, dataset, workerpool;
const who = {};

test('an installation with an app, a dataset and a pool of ours', async () => {
  await here.start();
  seller = sdk(here, developer(0));
  buyer = sdk(here, developer(1));
  who.seller = await seller.wallet.getAddress();
  who.buyer = await buyer.wallet.getAddress();
  const owner = who.seller;
  const deployed = await seller.app.deployApp({
    owner, name: 'app', type: 'DOCKER', multiaddr: 'registry.example/a:1', checksum: HASH,
  });
  app = deployed.address;
  dataset = (await seller.dataset.deployDataset({
    owner, name: 'data', multiaddr: '/ipfs/QmExample', checksum: HASH,
  })).address;
  workerpool = (await seller.workerpool.deployWorkerpool({ owner, description: 'pool' })).address;
  await seller.account.deposit('50 RLC');
  await buyer.account.deposit('50 RLC');
});

// What differs between the kinds of an asset's order.
const assetKinds = {
  app: { asset: () => app, more: () => ({ appprice: 5 }), book: 'fetchAppOrderbook' },
  dataset: { asset: () => dataset, more: () => ({ datasetprice: 7 }), book: 'fetchDatasetOrderbook' },
  workerpool: {
    asset: () => workerpool,
    more: () => ({ workerpoolprice: 11, category: 0 }),
    book: 'fetchWorkerpoolOrderbook',
  },
};
const unchecked = { preflightCheck: false };
const capital = (kind) => kind[0].toUpperCase() + kind.slice(1);

const sign = async (kind, more = {}) => {
  const K = capital(kind);
  const wanted = { [kind]: assetKinds[kind].asset(), tag: TAG, ...assetKinds[kind].more(), ...more };
  const template = await seller.order[`create${K}order`](wanted);
  return seller.order[`sign${K}order`](template, unchecked);
};

const publish = async (kind, more) => {
  const signed = await sign(kind, more);
  const hash = await seller.order[`publish${capital(kind)}order`](signed, unchecked);
  return { signed, hash };
};

const book = async (kind, filter = {}) => {
  const asked = { [kind]: assetKinds[kind].asset(), ...filter };
  return seller.orderbook[assetKinds[kind].book](asked);
};
const hashes = (page) => page.orders.map(({ orderHash }) => orderHash);

for (const kind of Object.keys(assetKinds)) {
  const K = capital(kind);

  test(`${kind}order: create, sign, hash, publish, fetch, list`, async () => {
    const { signed, hash } = await publish(kind, { volume: 3 });
    assert.equal(await seller.order[`hash${K}order`](signed), hash);
    const one = await seller.orderbook[`fetch${K}order`](hash);
    assert.equal(one.signer, who.seller);
    assert.equal(one.remaining, 3);
    assert.equal(one.status, 'open');
    assert.equal(one.order.sign, signed.sign);
    assert.match(one.publicationTimestamp, /^\d{4}-.*Z$/);
    const page = await book(kind);
    assert.equal(page.count, 1);
    assert.equal(page.more, undefined);
    assert.deepEqual(hashes(page), [hash]);
    assert.equal(page.orders[0].order[`${kind}price`], assetKinds[kind].more()[`${kind}price`]);
    await refused(seller.order[`publish${K}order`](signed, unchecked), /already published/);
    await refused(seller.orderbook[`fetch${K}order`](HASH), /not found/);
    await refused(buyer.order[`publish${K}order`](await sign(kind), unchecked), /signer/);
  });

  test(`${kind}order: restrictions, tags, volumes, owners, pages`, async () => {
    const restricted = (await publish(kind, { requesterrestrict: who.buyer })).hash;
    const big = (await publish(kind, { volume: 1000 })).hash;
    assert.ok(!hashes(await book(kind)).includes(restricted), 'hidden without the filter');
    assert.ok(hashes(await book(kind, { requester: who.buyer })).includes(restricted));
    const strict = await book(kind, { requester: who.buyer, isRequesterStrict: true });
    assert.deepEqual(hashes(strict), [restricted]);
    assert.equal((await book(kind, { requester: 'any' })).count, 3);
    assert.deepEqual(hashes(await book(kind, { minVolume: 1000 })), [big]);
    assert.equal((await book(kind, { minTag: TAG })).count, 2);
    assert.equal((await book(kind, { maxTag: ['tee'] })).count, 0);
    const owner = { [kind]: undefined, [`${kind}Owner`]: who.seller };
    assert.equal((await book(kind, owner)).count, 2);
    for (let i = 0; i < 9; i += 1) await publish(kind);
    const first = await book(kind, { pageSize: 10 });
    assert.equal(first.count, 11);
    assert.equal(first.orders.length, 10);
    const second = await first.more();
    assert.equal(second.orders.length, 1);
    assert.equal(second.more, undefined);
  });

  test(`${kind}order: unpublish one, the last, all; cancel`, async () => {
    const asset = assetKinds[kind].asset();
    const { hash } = await publish(kind);
    assert.equal(await seller.order[`unpublish${K}order`](hash), hash);
    await refused(seller.orderbook[`fetch${K}order`](hash), /not found/);
    const last = (await publish(kind)).hash;
    assert.equal(await seller.order[`unpublishLast${K}order`](asset), last);
    const { signed, hash: gone } = await publish(kind);
    await seller.order[`cancel${K}order`](signed);
    assert.ok(!hashes(await book(kind)).includes(gone), 'cancelled orders are not listed');
    assert.equal((await seller.orderbook[`fetch${K}order`](gone)).status, 'canceled');
    const all = await seller.order[`unpublishAll${K}orders`](asset);
    assert.ok(all.length >= 11);
    assert.equal((await book(kind, { requester: 'any' })).count, 0);
  });
}

const request = async (more = {}) =>
  buyer.order.signRequestorder(
    await buyer.order.createRequestorder({
      app, dataset, workerpool, category: 0, tag: TAG, volume: 2,
      appmaxprice: 5, datasetmaxprice: 7, workerpoolmaxprice: 11, ...more,
    }),
    unchecked,
  );

test('requestorder: sign, publish, fetch, list, unpublish, cancel', async () => {
  await publish('app', { volume: 10 });
  await publish('dataset', { volume: 10 });
  const signed = await request();
  const hash = await buyer.order.publishRequestorder(signed, unchecked);
  assert.equal(await buyer.order.hashRequestorder(signed), hash);
  const one = await buyer.orderbook.fetchRequestorder(hash);
  assert.equal(one.order.requester, who.buyer);
  for (const filter of [{}, { requester: who.buyer }, { app }, { dataset }, { category: 0 }])
    assert.deepEqual(
      hashes(await buyer.orderbook.fetchRequestOrderbook({ workerpool, ...filter })),
      [hash],
    );
  assert.equal((await buyer.orderbook.fetchRequestOrderbook({ category: 4 })).count, 0);
  assert.equal(await buyer.order.unpublishRequestorder(hash), hash);
  await buyer.order.publishRequestorder(await request(), unchecked);
  await buyer.order.publishRequestorder(await request(), unchecked);
  assert.ok(await buyer.order.unpublishLastRequestorder());
  assert.equal((await buyer.order.unpublishAllRequestorders()).length, 1);
  const dropped = await request();
  await buyer.order.cancelRequestorder(dropped);
});

test('estimate and match: prices, volumes, deals by every order', async () => {
  const offers = {};
  for (const kind of Object.keys(assetKinds)) offers[`${kind}order`] = await publish(kind, { volume: 5 });
  const requestorder = await request();
  const requestHash = await buyer.order.hashRequestorder(requestorder);
  const orders = { requestorder };
  for (const [name, { signed }] of Object.entries(offers)) orders[name] = signed;
  const estimate = await buyer.order.estimateMatchOrders(orders);
  assert.equal(estimate.volume.toString(), '2');
  assert.equal(estimate.total.toString(), '46');
  const { dealid, volume } = await buyer.order.matchOrders(orders, unchecked);
  assert.equal(volume.toString(), '2');
  const shown = await buyer.deal.show(dealid);
  assert.equal(shown.requester, who.buyer);
  assert.equal(shown.botSize.toString(), '2');
  assert.equal((await buyer.account.checkBalance(who.buyer)).locked.toString(), '46');
  const lists = [
    await buyer.deal.fetchRequesterDeals(who.buyer),
    await buyer.deal.fetchRequesterDeals(who.buyer, {
      appAddress: app, datasetAddress: dataset, workerpoolAddress: workerpool,
    }),
    await buyer.deal.fetchDealsByApporder(offers.apporder.hash),
    await buyer.deal.fetchDealsByDatasetorder(offers.datasetorder.hash),
    await buyer.deal.fetchDealsByWorkerpoolorder(offers.workerpoolorder.hash),
    await buyer.deal.fetchDealsByRequestorder(requestHash),
  ];
  for (const { count, deals, more } of lists) {
    assert.equal(count, 1);
    assert.equal(more, undefined);
    assert.equal(deals[0].dealid, dealid);
    assert.strictEqual(deals[0].botFirst, 0);
    assert.strictEqual(deals[0].botSize, 2);
    assert.strictEqual(deals[0].app.price, 5);
    assert.strictEqual(deals[0].category, 0);
  }
  const left = await seller.orderbook.fetchApporder(offers.apporder.hash);
  assert.equal(left.remaining, 3);
  await refused(buyer.order.matchOrders(orders, unchecked), /consumed/);
});

test('claim after the deadline gives the money back', async () => {
  const { deals } = await buyer.deal.fetchRequesterDeals(who.buyer);
  const { dealid } = deals[0];
  const tasks = Object.values((await buyer.deal.show(dealid)).tasks);
  await refused(buyer.task.claim(tasks[0]), /deadline|Cannot claim|not found|No task/i);
  await here.rpc('evm_increaseTime', 4000);
  await here.rpc('evm_mine');
  const { claimed } = await secondsLater(4000, () => buyer.deal.claim(dealid));
  assert.deepEqual(Object.values(claimed), tasks);
  assert.equal((await buyer.account.checkBalance(who.buyer)).locked.toString(), '0');
  for (const task of tasks) assert.equal((await buyer.task.show(task)).status, 4);
});

test('a transferred asset takes its orders off the market', async () => {
  const { hash } = await publish('dataset');
  assert.ok(hashes(await book('dataset')).includes(hash));
  await seller.dataset.transferDataset(dataset, who.buyer);
  assert.equal((await book('dataset', { requester: 'any' })).count, 0);
  assert.equal((await seller.orderbook.fetchDatasetorder(hash)).status, 'dead');
});

test('the pool that the packages have built in has orders', async () => {
  assert.ok(IEXEC.startsWith('iexec'));
  const { orders } = await seller.orderbook.fetchWorkerpoolOrderbook({
    workerpool: here.urls.workerpool, category: 0, minTag: TAG,
  });
  assert.equal(orders[0].order.workerpool, here.urls.workerpool);
  assert.equal(orders[0].order.requesterrestrict, ZERO);
});

await main();
