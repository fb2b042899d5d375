// Makes operations: mostly such as may succeed in the state that the ones before have left, with a
// fault in some. What it remembers of that state only steers; it decides nothing.
import { functions } from './abi.mjs';
import { Random } from './random.mjs';
import { orderMoves } from './make_orders.mjs';
import { taskMoves } from './make_tasks.mjs';

export const USERS = Array.from({ length: 12 }, (_, i) => `u${i}`);
// takes signatures of its owner for its own (ERC-1271)
export const WALLET = 'wallet';
export const WALLET_OWNER = 'u1';
export const WORKERS = ['u5', 'u6', 'u7', 'u8', 'u9'];
const MAX = (2n ** 256n - 1n).toString();
const REGISTRIES = { app: '@appregistry', dataset: '@datasetregistry',
  workerpool: '@workerpoolregistry' };

export class Maker {
  constructor(seed, script, mangles) {
    this.r = new Random(seed);
    this.script = script;
    this.mangles = mangles;
    this.n = 0;
    this.at = 0;
    this.assets = { app: [], dataset: [], workerpool: [] };
    this.groups = [];
    this.orders = [];
    this.deals = [];
    this.tasks = [];
    this.made = [];
    this.ahead = USERS.slice(0, 10).flatMap((u) => [
      this.op(u, '@token', 'approveAndCall', ['@hub', 2000000, '0x']),
    ]);
  }

  op(from, to, fn, args, more = {}) {
    return { from, to, fn, args, ...more };
  }

  user() {
    return this.r.pick(USERS);
  }

  // Mostly people, sometimes what may be no sensible address at all.
  anyone() {
    const { r } = this;
    return r.weighed([[16, () => `@${this.user()}`], [1, () => '@zero'], [1, () => '@hub'],
      [1, () => '@kitty'], [1, () => '@token'], [1, () => this.someAsset()], [1.5, () => '@wallet'],
      [1, () => (this.groups.length ? `@${r.pick(this.groups).name}` : '@owner')]])();
  }

  someAsset() {
    const all = Object.values(this.assets).flat();
    return all.length ? `@${this.r.pick(all).name}` : '@appregistry';
  }

  amount() {
    const { r } = this;
    return r.weighed([[10, () => r.below(2000)], [3, () => r.below(3000000)], [1, () => 0],
      [1, () => 1], [1, () => MAX], [1, () => (2n ** 255n).toString()],
      [1, () => 10 ** 13 + r.below(3)]])();
  }

  money() {
    const { r } = this;
    const who = r.chance(0.04) ? WALLET : this.user();
    const n = this.amount();
    const to = this.anyone();
    const ledger = r.pick(['@hub', '@token']);
    return this.op(...r.weighed([
      [3, [who, '@token', 'approveAndCall', [r.chance(0.9) ? '@hub' : to, n,
        r.chance(0.8) ? '0x' : r.hex(r.below(70))]]],
      [3, [who, '@token', 'approve', [r.chance(0.8) ? '@hub' : to, n]]],
      [3, [who, '@hub', 'deposit', [n]]],
      [3, [who, '@hub', 'depositFor', [n, to]]],
      [2, [who, '@hub', 'depositForArray', [[n, this.amount(), 5].slice(0, r.below(4)),
        [to, this.anyone(), '@u2'].slice(0, r.below(4))]]],
      [1, [who, '@hub', 'depositForArray', [[n, 5], [to, '@u2']]]],
      [3, [who, '@hub', 'withdraw', [n]]],
      [2, [who, '@hub', 'withdrawTo', [n, to]]],
      [1, [r.chance(0.5) ? 'owner' : who, '@hub', 'recover', []]],
      [3, [who, ledger, 'transfer', [to, n]]],
      [2, [who, ledger, 'approve', [to, n]]],
      [4, [who, ledger, 'transferFrom', [this.anyone(), to, n]]],
      [2, [who, ledger, 'increaseAllowance', [to, n]]],
      [2, [who, ledger, 'decreaseAllowance', [to, n]]],
      [2, [who, '@hub', 'approveAndCall', [to, n, '0x']]],
      [1, [who, '@hub', 'receiveApproval', [this.anyone(), n, r.pick(['@token', to]), '0x']]],
      [1, [who, '@token', 'faucet', [n]]],
    ]));
  }

  text() {
    const { r } = this;
    return r.pick(['', 'a', 'DOCKER', 'x'.repeat(31), 'y'.repeat(32), 'z'.repeat(33),
      'ünïcode ✓', `n${r.below(1000)}`, 'long '.repeat(30)]);
  }

  create(kind = this.r.pick(['app', 'dataset', 'workerpool'])) {
    const { r } = this;
    if (this.made.length && r.chance(0.08)) return this.again(r.pick(this.made));
    const owner = r.weighed([[0.9, () => `@${this.user()}`], [0.06, () => '@wallet'], [0.04, () => this.anyone()]])();
    const bytes = () => r.hex(r.pick([0, 1, 31, 32, 33, 64]));
    const args = {
      app: () => [owner, this.text(), this.text(), bytes(), r.hex(32), bytes()],
      dataset: () => [owner, this.text(), bytes(), r.hex(32)],
      workerpool: () => [owner, `${this.text()}${r.below(1e9)}`],
    }[kind]();
    const fn = { app: 'createApp', dataset: 'createDataset', workerpool: 'createWorkerpool' }[kind];
    const who = r.chance(0.8) ? owner.slice(1) : this.user();
    const from = USERS.includes(who) ? who : this.user();
    const made = { fn, args, kind };
    if (kind === 'dataset' && r.chance(0.3)) {
      const [to, name, address, checksum] = args;
      return this.op(from, '@dataprotector', 'createDatasetWithSchema',
        [to, name, this.text(), address, checksum],
        { makes: { ...made, at: REGISTRIES.dataset }, owner });
    }
    return this.op(from, REGISTRIES[kind], fn, args, { makes: made, owner });
  }

  again(op) {
    return { ...op, makes: { ...op.makes } };
  }

  // ERC-721, policies, names.
  asset() {
    const { r } = this;
    const kind = r.pick(['app', 'dataset', 'workerpool', 'dataset']);
    const a = r.pick(this.assets[kind]);
    if (!a) return this.create(kind);
    const registry = REGISTRIES[r.chance(0.95) ? kind : 'app'];
    const id = { uint: `@${a.name}` };
    const who = r.chance(0.75) ? a.owner : this.user();
    const from = r.chance(0.85) ? `@${a.owner}` : this.anyone();
    const to = this.anyone();
    const moves = { moves: a.name, taker: to };
    return this.op(...r.weighed([
      [3, [who, registry, 'approve', [to, id]]],
      [4, [who, registry, 'transferFrom', [from, to, id], moves]],
      [2, [who, registry, 'safeTransferFrom(address,address,uint256)', [from, to, id], moves]],
      [1, [who, registry, 'safeTransferFrom(address,address,uint256,bytes)',
        [from, to, id, r.hex(r.below(40))], moves]],
      [2, [who, registry, 'setApprovalForAll', [to, r.chance(0.7)]]],
      [1, [who, `@${a.name}`, 'setName', ['@hub', 'x']]],
      [kind === 'workerpool' ? 6 : 0.5, [who, `@${a.name}`, 'changePolicy',
        [r.pick([0, 30, 50, 100, 101, MAX]), r.pick([0, 1, 10, 100, 101, MAX])]]],
      [0.5, [who, registry, 'approve', [to, r.below(5)]]],
    ]));
  }

  group() {
    const { r } = this;
    const g = r.pick(this.groups);
    if (!g || r.chance(0.15)) {
      const args = [`0x${'00'.repeat(31)}${r.below(4).toString(16).padStart(2, '0')}`];
      return this.op(this.user(), '@groupfactory', 'createGroup', args,
        { makes: { fn: 'createGroup', args, kind: 'group' } });
    }
    const who = r.chance(0.85) ? g.owner : this.user();
    const key = { pad: r.chance(0.6) ? this.someAsset() : this.anyone() };
    const purpose = r.chance(0.9) ? 4 : this.amount();
    return this.op(...r.weighed([
      [6, [who, `@${g.name}`, 'addKey', [key, purpose, r.below(3)]]],
      [2, [who, `@${g.name}`, 'removeKey', [key, purpose]]],
      [0.5, [who, `@${g.name}`, 'transferOwnership', [this.anyone()]]],
      [0.1, [who, `@${g.name}`, 'renounceOwnership', []]],
    ]));
  }

  admin() {
    const { r } = this;
    const who = r.chance(0.4) ? 'owner' : this.user();
    const registry = r.pick(Object.values(REGISTRIES));
    return this.op(...r.weighed([
      [3, [who, '@hub', 'createCategory', [this.text(), this.text(), r.pick([0, 1, 60, 300])]]],
      [0.5, ['owner', '@hub', 'setTeeBroker', [r.chance(0.85) ? '@zero' : `@${this.user()}`]]],
      [1, [this.user(), '@hub', 'setTeeBroker', ['@u1']]],
      [1, [who, '@hub', 'setCallbackGas', [r.pick([100000, 100000, 200000, 50000])]]],
      [1, [who, '@hub', 'changeRegistries', Object.values(REGISTRIES)]],
      [1, [who, '@hub', 'configure', ['@token', 'n', 's', 9, '@appregistry', '@datasetregistry',
        '@workerpoolregistry', '@zero']]],
      [1, [who, '@hub', 'importScore', [`@${this.user()}`]]],
      [1, [who, '@hub', 'updateDomainSeparator', []]],
      [1, [this.user(), '@hub', 'transferOwnership', [this.anyone()]]],
      [0.3, ['owner', '@hub', 'transferOwnership', ['@owner']]],
      [1, [who, registry, 'initialize(address)', ['@zero']]],
      [1, [who, registry, 'setName', ['@hub', 'x']]],
      [1, [who, registry, 'setBaseURI', [this.text()]]],
      [0.5, [this.user(), registry, 'transferOwnership', [this.anyone()]]],
      [0.3, ['owner', registry, 'transferOwnership', [r.pick(['@owner', '@zero'])]]],
      [0.5, [this.user(), registry, 'renounceOwnership', []]],
      [1, [this.user(), this.someAsset(), r.pick(['initialize(string)',
        'initialize(string,bytes,bytes32)']), null]],
    ]));
  }

  // A view that is asked for by people, or of what is not there.
  view() {
    const { r } = this;
    const registry = r.pick(Object.values(REGISTRIES));
    const id = r.chance(0.3) ? r.below(3) : { uint: this.anyone() };
    return this.op(...r.weighed([
      [1, [this.user(), '@hub', 'viewTask', [r.hex(32)]]],
      [1, [this.user(), '@hub', 'viewDeal', [r.hex(32)]]],
      [1, [this.user(), '@hub', 'resultFor', [r.hex(32)]]],
      [1, [this.user(), '@hub', r.pick(['viewCategory', 'viewCategoryABILegacy']),
        [this.amount()]]],
      [2, [this.user(), '@hub', r.pick(['viewApp', 'viewDataset', 'viewWorkerpool']),
        [r.chance(0.5) ? this.someAsset() : this.anyone()]]],
      [1, [this.user(), registry, 'supportsInterface',
        [r.pick(['0x01ffc9a7', '0x80ac58cd', '0x780e9d63', '0x5b5e139f', '0xffffffff'])]]],
      [1, [this.user(), registry, 'ownerOf', [id]]],
      [1, [this.user(), registry, 'getApproved', [id]]],
      [1, [this.user(), registry, 'tokenURI', [id]]],
      [1, [this.user(), registry, 'isRegistered', [this.anyone()]]],
      [1, [this.user(), registry, 'balanceOf', [this.anyone()]]],
      [1, [this.user(), registry, 'isApprovedForAll', [this.anyone(), this.anyone()]]],
      [1, [this.user(), registry, r.pick(['tokenByIndex']), [this.amount()]]],
      [1, [this.user(), registry, 'tokenOfOwnerByIndex', [this.anyone(), r.below(3)]]],
      [1, [this.user(), r.pick(['@hub', '@token']), 'balanceOf', [this.anyone()]]],
      [1, [this.user(), '@wallet', 'isValidSignature', [r.hex(32), r.hex(r.pick([0, 64, 65]))]]],
    ]), { view: true });
  }

  // Any function at any contract, or bytes.
  stray() {
    const { r } = this;
    const to = r.pick(['@hub', '@hub', '@token', '@appregistry', '@dataprotector',
      '@groupfactory', '@wallet', this.someAsset(), this.groups.length ? `@${r.pick(this.groups).name}` : '@hub']);
    const raw = r.chance(0.3) ? r.hex(r.below(8)) : r.hex(4 + 32 * r.below(4));
    return { from: this.user(), to, raw, ...(r.chance(0.2) ? { value: r.below(3) } : {}) };
  }

  mangle() {
    const { r } = this;
    return r.weighed([
      [2, () => ({ how: 'cut', at: r.next() })],
      [2, () => ({ how: 'more', bytes: r.hex(1 + r.below(64)) })],
      [1, () => ({ how: 'selector', bytes: r.hex(4) })],
      [8, () => ({ how: 'byte', at: r.next() ** 2, byte: r.pick([0, 0, 11, 24, 28, 30, 31, 31]),
        to: r.pick([0, 1, 2, 4, 0x20, 0x40, 0x80, 0xff, r.below(256)]) })],
    ])();
  }

  next() {
    const { r } = this;
    const op = this.ahead.shift() ?? this.free();
    this.n += 1;
    op.n = this.n;
    if (op.from === WALLET && !op.raw && !op.makes) this.byWallet(op);
    if (!this.script.keys.includes(op.from)) op.from = 'u0'; // other contracts send nothing
    this.at += op.dt ?? r.weighed([[20, 0], [20, 1], [20, r.below(20)], [2, r.below(700)],
      [0.15, 2100], [0.15, 3000]]);
    delete op.dt;
    op.at = this.at;
    if (op.makes) op.makes.name = `${op.makes.kind === 'group' ? 'group' : 'asset'}:${op.n}`;
    if (!op.raw && !op.view && !op.makes && r.chance(this.mangles)) op.mangle = this.mangle();
    if (!op.view && r.chance(0.2)) op.result = true;
    if (!op.view && r.chance(0.005)) op.value = 1 + r.below(5);
    return op;
  }

  // What a contract wallet does, its owner does through it.
  byWallet(op) {
    const inner = { call: [op.fn, op.args] };
    Object.assign(op, { from: WALLET_OWNER, to: `@${WALLET}`, fn: 'execute', args: [op.to, inner] });
  }

  free() {
    const { r } = this;
    for (;;) {
      const op = r.weighed([
        [12, () => this.money()], [6, () => this.create()], [6, () => this.asset()],
        [4, () => this.group()], [3, () => this.admin()], [3, () => this.view()],
        [2, () => this.stray()], [9, () => this.manage()], [1, () => this.broadcast()],
        [22, () => this.match()], [3, () => this.bulk()], [2, () => this.verify()],
        [36, () => this.task()],
      ])();
      if (op && !(op.args && op.args.includes(null)) && op.args !== null) return op;
    }
  }

  // What an operation has changed, of what steers the next ones.
  learn(op, outcome) {
    if (!outcome.ok) return;
    if (op.makes?.kind === 'group') this.groups.push({ name: op.makes.name, owner: op.from });
    else if (op.makes) {
      this.assets[op.makes.kind].push({ name: op.makes.name, owner: op.owner.slice(1) });
      this.made.push(op);
    }
    if (op.moves) {
      const a = Object.values(this.assets).flat().find((x) => x.name === op.moves);
      if (a && [...USERS, WALLET].includes(op.taker.slice(1))) a.owner = op.taker.slice(1);
      else if (a) a.owner = 'u0';
    }
    this.learnDeal(op, outcome);
    this.learnTask(op, outcome);
  }
}
Object.assign(Maker.prototype, orderMoves, taskMoves);
export { functions };
