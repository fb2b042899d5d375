// Orders and what is done with them: mixed into Maker.
import { KINDS } from './orders.mjs';

const TEE = `0x${'00'.repeat(31)}01`;
const TAGS = [`0x${'00'.repeat(32)}`, `0x${'00'.repeat(32)}`, `0x${'00'.repeat(32)}`, TEE,
  `0x${'00'.repeat(31)}09`, `0x${'00'.repeat(31)}03`, `0x${'00'.repeat(30)}0100`];
const FORMS = ['v01', 'flipped', 'v29', 'high', 'short', 'long', 'empty', 'zero', 'zero64', 'other'];
const WALLET_OWNERS = { wallet: 'u1' };
const MAX = (2n ** 256n - 1n).toString();
const MANAGE = { app: 'manageAppOrder', dataset: 'manageDatasetOrder',
  workerpool: 'manageWorkerpoolOrder', request: 'manageRequestOrder' };
const BROADCAST = { app: 'broadcastAppOrder', dataset: 'broadcastDatasetOrder',
  workerpool: 'broadcastWorkerpoolOrder', request: 'broadcastRequestOrder' };

export const orderMoves = {
  volume() {
    return this.r.weighed([[6, 1], [6, 1 + this.r.below(4)], [3, 10], [0.3, 0], [0.5, MAX],
      [1, '9007199254740991']]);
  },

  price() {
    return this.r.weighed([[6, 0], [8, this.r.below(100)], [4, this.r.below(2000)], [0.2, MAX],
      [0.3, 10 ** 12]]);
  },

  // Who an order admits: all, the one, a group, or another.
  restriction(name) {
    const { r } = this;
    return r.weighed([[30, () => '@zero'], [4, () => (name ? `@${name}` : '@zero')],
      [1, () => (this.groups.length ? `@${r.pick(this.groups).name}` : '@zero')],
      [0.2, () => this.anyone()]])();
  },

  addOrder(kind, fields, signer, more = {}) {
    const id = `${kind[0]}${this.orders.length}`;
    this.script.orders[id] = { kind, fields };
    const order = { id, kind, signer, fields, ...more };
    this.orders.push(order);
    return order;
  },

  appOrder(app, like) {
    const { r } = this;
    return this.addOrder('app', {
      app: `@${app.name}`, appprice: this.price(), volume: this.volume(), tag: like.tag,
      datasetrestrict: this.restriction(like.dataset?.name),
      workerpoolrestrict: this.restriction(like.pool?.name),
      requesterrestrict: this.restriction(like.requester), salt: r.hex(32),
    }, app.owner, { asset: app });
  },

  datasetOrder(dataset, like) {
    const { r } = this;
    return this.addOrder('dataset', {
      dataset: `@${dataset.name}`, datasetprice: this.price(), volume: this.volume(),
      tag: r.chance(0.7) ? TAGS[0] : like.tag, apprestrict: this.restriction(like.app?.name),
      workerpoolrestrict: this.restriction(like.pool?.name),
      requesterrestrict: this.restriction(like.requester), salt: r.hex(32),
    }, dataset.owner, { asset: dataset });
  },

  poolOrder(pool, like) {
    const { r } = this;
    return this.addOrder('workerpool', {
      workerpool: `@${pool.name}`, workerpoolprice: this.price(), volume: this.volume(),
      tag: r.chance(0.6) ? like.tag : `0x${'00'.repeat(30)}010f`, category: like.category,
      trust: r.chance(0.5) ? like.trust : 10, apprestrict: this.restriction(like.app?.name),
      datasetrestrict: this.restriction(like.dataset?.name),
      requesterrestrict: this.restriction(like.requester), salt: r.hex(32),
    }, pool.owner, { asset: pool });
  },

  callback() {
    const { r } = this;
    return r.weighed([[8, () => '@zero'], [1, () => r.pick(['@keeper', '@burner', '@refuser'])],
      [1, () => '@u3'], [0.5, () => this.anyone()]])();
  },

  requestOrder(like, { app, dataset, pool }) {
    const { r } = this;
    const most = (order, price) => (order && r.chance(0.9) ? order.fields[price] : this.price());
    return this.addOrder('request', {
      app: `@${like.app.name}`, appmaxprice: most(app, 'appprice'),
      dataset: like.dataset ? `@${like.dataset.name}` : '@zero',
      datasetmaxprice: most(dataset, 'datasetprice'),
      workerpool: r.chance(0.5) ? `@${like.pool.name}` : this.restriction(like.pool.name),
      workerpoolmaxprice: most(pool, 'workerpoolprice'), requester: `@${like.requester}`,
      volume: this.volume(), tag: like.tag, category: like.category, trust: like.trust,
      beneficiary: r.chance(0.8) ? `@${like.requester}` : this.anyone(),
      callback: this.callback(), params: r.pick(['', '{}', '{"iexec_args":"a"}', 'x'.repeat(70)]),
      salt: r.hex(32),
    }, like.requester);
  },

  // Mostly right; forms that contracts take, and such as they must refuse.
  sig(order) {
    const { r } = this;
    if (order.presigned && r.chance(0.8)) return r.chance(0.7) ? null : { by: 'u0', form: 'other' };
    if (order.asset && r.chance(0.95)) order.signer = order.asset.owner;
    const by = r.chance(0.97) ? order.signer : this.user();
    return { by: this.script.keys.includes(by) ? by : WALLET_OWNERS[by] ?? 'u0',
      form: r.weighed([[20, '65'], [8, '64'], [1.2, r.pick(FORMS)]]) };
  },

  earlier(kind, asset) {
    const { r } = this;
    if (!r.chance(0.45)) return null;
    const all = this.orders.filter((o) => o.kind === kind && (!asset || o.asset === asset));
    return all.length ? r.pick(all) : null;
  },

  like() {
    const { r } = this;
    const [app, pool] = [r.pick(this.assets.app), r.pick(this.assets.workerpool)];
    if (!app || !pool) return null;
    return { app, pool, dataset: r.chance(0.5) ? r.pick(this.assets.dataset) : undefined,
      requester: r.chance(0.06) ? 'wallet' : this.user(), tag: r.pick(TAGS), category: r.weighed([[30, 0], [2, 1], [1, 5], [0.5, 6],
        [0.2, MAX]]),
      trust: r.weighed([[8, 0], [8, 1], [5, 2], [3, 3], [2, 5], [0.1, MAX]]) };
  },

  // Orders that fit each other, some of them used before.
  four() {
    const { r } = this;
    const old = r.chance(0.12) ? r.pick(this.matched ?? []) : null;
    if (old) return old;
    const like = this.like();
    if (!like) return null;
    const app = this.earlier('app', like.app) ?? this.appOrder(like.app, like);
    if (app.fields.tag !== like.tag && r.chance(0.9)) like.tag = app.fields.tag;
    const pool = this.earlier('workerpool', like.pool) ?? this.poolOrder(like.pool, like);
    if (r.chance(0.9)) like.category = pool.fields.category;
    if (r.chance(0.9) && pool.fields.trust !== 10) like.trust = pool.fields.trust;
    const dataset = like.dataset
      && (this.earlier('dataset', like.dataset) ?? this.datasetOrder(like.dataset, like));
    return { app, pool, dataset, like,
      request: this.earlier('request') && r.chance(0.1) ? this.earlier('request') ?? null
        : this.requestOrder(like, { app, dataset, pool }) };
  },

  noDataset() {
    if (!this.script.orders.none) {
      this.script.orders.none = { kind: 'dataset', fields: { dataset: '@zero', datasetprice: 0,
        volume: 0, tag: TAGS[0], apprestrict: '@zero', workerpoolrestrict: '@zero',
        requesterrestrict: '@zero', salt: TAGS[0] } };
    }
    return { order: 'none' };
  },

  // One of the four is another order than the others expect.
  wrong(four) {
    const { r } = this;
    const kind = r.pick(['app', 'dataset', 'pool', 'request']);
    const other = r.pick(this.orders.filter((o) => o.kind === (kind === 'pool' ? 'workerpool' : kind)));
    return other ? { ...four, [kind]: other } : four;
  },

  matchArguments(four) {
    const ref = (o) => ({ order: o.id, sig: this.sig(o) });
    return [ref(four.app), four.dataset ? ref(four.dataset) : this.noDataset(), ref(four.pool),
      ref(four.request)];
  },

  match() {
    const { r } = this;
    let four = this.four();
    if (!four || !four.request) return this.create(r.pick(['app', 'workerpool', 'dataset']));
    if (r.chance(0.08)) four = this.wrong(four);
    const from = r.chance(0.6) ? four.request.signer : this.user();
    const fn = r.weighed([[5, 'matchOrders'], [2, 'sponsorMatchOrders'],
      [0.5, 'computeDealVolume']]);
    return { from, to: '@hub', fn, args: this.matchArguments(four),
      ...(fn === 'computeDealVolume' ? { view: true } : { request: four.request.id, four: {
        request: four.request.id, pool: four.pool.id, app: four.app.id,
        dataset: four.dataset?.id } }) };
  },

  manage() {
    const { r } = this;
    if (!this.orders.length) return null;
    const order = r.chance(0.5) ? r.pick(this.orders.slice(-12)) : r.pick(this.orders);
    const op = r.weighed([[6, 0], [3, 1], [0.1, 2]]);
    const byHand = r.chance(0.6);
    const owner = order.asset?.owner ?? order.signer;
    return { from: byHand && r.chance(0.9) ? owner : this.user(), to: '@hub', fn: MANAGE[order.kind],
      args: [{ operation: order.id, op, sig: byHand ? null : this.sig({ ...order,
        presigned: false }) }], manages: order.id };
  },

  broadcast() {
    const order = this.r.pick(this.orders);
    return order && { from: this.user(), to: '@hub', fn: BROADCAST[order.kind],
      args: [{ order: order.id, sig: this.r.chance(0.5) ? { bytes: this.r.hex(65) } : null }] };
  },

  // A dataset order beside a deal without dataset.
  bulk() {
    const { r } = this;
    const deal = r.pick(this.deals);
    const order = r.pick(this.orders.filter((o) => o.kind === 'dataset'));
    if (!order) return null;
    return { from: this.user(), to: '@hub', fn: 'assertDatasetDealCompatibility', view: true,
      args: [{ order: order.id, sig: this.sig(order) }, deal ? `@${deal.name}` : r.hex(32)] };
  },

  verify() {
    const { r } = this;
    const order = r.pick(this.orders);
    if (!order) return null;
    const who = r.chance(0.7) ? `@${order.asset?.owner ?? order.signer}` : this.anyone();
    const sig = { auth: [`@${this.user()}`, `@order:${order.id}`, '@zero'],
      ...(this.sig(order) ?? { by: 'u0', form: '65' }) };
    return { from: this.user(), to: '@hub', view: true, ...r.pick([
      { fn: 'verifySignature', args: [who, `@order:${order.id}`, sig] },
      { fn: 'verifyPresignature', args: [who, `@order:${order.id}`] },
      { fn: 'verifyPresignatureOrSignature', args: [who, `@order:${order.id}`, sig] },
    ]) };
  },

  learnDeal(op, outcome) {
    if (op.manages) this.orders.find((o) => o.id === op.manages).presigned = true;
    if (!op.four) return;
    const find = (id) => this.orders.find((o) => o.id === id);
    const matched = outcome.ok.find((x) => x.includes(' OrdersMatched '));
    const volume = Number(BigInt(`0x${matched.trim().split(' ').pop()}`));
    const [request, pool] = [find(op.four.request), find(op.four.pool)];
    const deal = { name: `deal:${op.n}`, n: op.n, request, pool, volume, start: op.at,
      first: this.deals.filter((d) => d.request === request).reduce((s, d) => s + d.volume, 0) };
    this.deals.push(deal);
    this.matched = [...(this.matched ?? []).slice(-8), { request, pool, app: find(op.four.app),
      dataset: op.four.dataset && find(op.four.dataset) }];
  },
};
export { KINDS, TEE };
