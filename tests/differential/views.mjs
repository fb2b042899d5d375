// What there is to look at after operations, and the views of it.
const REGISTRY = { app: '@appregistry', dataset: '@datasetregistry',
  workerpool: '@workerpoolregistry' };
const GETTERS = {
  app: ['m_appName', 'm_appType', 'm_appMultiaddr', 'm_appChecksum', 'm_appMREnclave'],
  dataset: ['m_datasetName', 'm_datasetMultiaddr', 'm_datasetChecksum'],
  workerpool: ['m_workerpoolDescription', 'm_workerStakeRatioPolicy',
    'm_schedulerRewardRatioPolicy'],
};
const INFO = { app: 'viewApp', dataset: 'viewDataset', workerpool: 'viewWorkerpool' };
const GENERAL = [
  ['@hub', 'totalSupply'], ['@token', 'totalSupply'], ['@hub', 'countCategory'],
  ['@hub', 'teebroker'], ['@hub', 'callbackgas'], ['@hub', 'owner'], ['@hub', 'token'],
  ['@hub', 'appregistry'], ['@hub', 'datasetregistry'], ['@hub', 'workerpoolregistry'],
  ['@hub', 'name'], ['@hub', 'symbol'], ['@hub', 'decimals'], ['@hub', 'kitty_address'],
  ['@hub', 'kitty_min'], ['@hub', 'kitty_ratio'], ['@hub', 'workerpool_stake_ratio'],
  ['@hub', 'contribution_deadline_ratio'], ['@hub', 'reveal_deadline_ratio'],
  ['@hub', 'final_deadline_ratio'], ['@hub', 'groupmember_purpose'],
  ...Object.values(REGISTRY).flatMap((at) => ['totalSupply', 'name', 'symbol', 'owner',
    'previous', 'initialized', 'baseURI'].map((fn) => [at, fn])),
];

// [deal, index] of the tasks that an operation initialises
export function started(op) {
  if (!op.fn?.startsWith('initialize') || !op.args) return [];
  const [deals, indices] = op.args;
  if (typeof deals === 'string' && deals.startsWith('@deal:')) return [[deals, indices]];
  if (!Array.isArray(deals) || !Array.isArray(indices)) return [];
  return deals.map((d, i) => [d, indices[i]])
    .filter(([d, i]) => String(d).startsWith('@deal:') && i !== undefined);
}

export class Known {
  constructor() {
    this.people = new Set(['kitty', 'zero', 'hub']);
    this.assets = new Map();
    this.groups = new Map();
    this.tasks = new Map();
    this.deals = new Set();
    this.orders = new Set();
    this.touched = new Set();
  }

  learn(op, outcome) {
    this.people.add(op.from);
    const text = JSON.stringify(op);
    for (const [, name] of text.matchAll(/"@(u\d+|owner)"/g)) this.people.add(name);
    for (const [, id] of text.matchAll(/"(?:order|operation)":"([^"]+)"/g)) {
      this.orders.add(id);
      this.touched.add(`order:${id}`);
    }
    for (const [, name] of text.matchAll(/@((?:asset|group|task|deal|order):[\w:]+)/g)) {
      this.touched.add(name);
    }
    if (!outcome.ok) return;
    if (op.makes) {
      if (op.makes.kind === 'group') this.groups.set(op.makes.name, op.from);
      else this.assets.set(op.makes.name, op.makes.kind);
      this.touched.add(op.makes.name);
    }
    if (op.request) this.deals.add(`deal:${op.n}`);
    if (op.request) this.touched.add(`deal:${op.n}`);
    for (const [, name] of text.matchAll(/@(task:[\w:]+)/g)) {
      if (!this.tasks.has(name)) this.tasks.set(name, new Set());
      this.tasks.get(name).add(op.from);
    }
    for (const [deal, index] of started(op)) {
      const name = `task:${deal.slice(6)}:${index}`;
      if (!this.tasks.has(name)) this.tasks.set(name, new Set());
      this.touched.add(name);
    }
  }
}

function peoples(known, all) {
  const people = [...known.people].map((x) => `@${x}`);
  const out = people.flatMap((who) => [
    ['@hub', 'viewAccount', [who]], ['@hub', 'viewAccountABILegacy', [who]],
    ['@hub', 'balanceOf', [who]], ['@hub', 'frozenOf', [who]], ['@token', 'balanceOf', [who]],
    ['@hub', 'viewScore', [who]], [who, 'eth_getBalance', []], [who, 'eth_getCode', []],
    ['@token', 'allowance', [who, '@hub']],
    ...Object.values(REGISTRY).map((at) => [at, 'balanceOf', [who]]),
  ]);
  for (const a of people) {
    for (const b of all ? people : []) {
      if (a !== '@zero' && b !== '@zero') out.push(['@hub', 'allowance', [a, b]]);
    }
  }
  return out;
}

function asset(name, kind) {
  const at = `@${name}`;
  const id = { uint: at };
  return [
    ['@hub', INFO[kind], [at]], [at, 'owner', []], [at, 'registry', []],
    ...GETTERS[kind].map((fn) => [at, fn, []]),
    [REGISTRY[kind], 'ownerOf', [id]], [REGISTRY[kind], 'getApproved', [id]],
    [REGISTRY[kind], 'isRegistered', [at]], [REGISTRY[kind], 'tokenURI', [id]],
  ];
}

function task(name, workers) {
  const at = `@${name}`;
  return [
    ['@hub', 'viewTask', [at]], ['@hub', 'viewTaskABILegacy', [at]], ['@hub', 'resultFor', [at]],
    ...[...workers].flatMap((who) => [['@hub', 'viewContribution', [at, `@${who}`]],
      ['@hub', 'viewContributionABILegacy', [at, `@${who}`]]]),
  ];
}

// Views of what was touched since the last sweep, or of all there is.
export function sweep(known, all) {
  const wanted = (name) => all || known.touched.has(name);
  const out = [...GENERAL.map(([to, fn]) => [to, fn, []]), ...peoples(known, all)];
  for (const [name, kind] of known.assets) if (wanted(name)) out.push(...asset(name, kind));
  for (const name of known.deals) {
    if (!wanted(name)) continue;
    out.push(...['viewDeal', 'viewDealABILegacy_pt1', 'viewDealABILegacy_pt2',
      'viewConfigABILegacy'].map((fn) => ['@hub', fn, [`@${name}`]]));
  }
  for (const [name, workers] of known.tasks) if (wanted(name)) out.push(...task(name, workers));
  for (const id of known.orders) {
    if (!wanted(`order:${id}`)) continue;
    out.push(['@hub', 'viewConsumed', [`@order:${id}`]], ['@hub', 'viewPresigned', [`@order:${id}`]]);
  }
  for (const [name, maker] of known.groups) {
    out.push([`@${name}`, 'owner', []]);
    if (!wanted(name)) continue;
    for (const key of [`@${name}`, `@${maker}`, ...[...known.assets.keys()].map((x) => `@${x}`)]) {
      out.push([`@${name}`, 'keyHasPurpose', [{ pad: key }, 4]]);
    }
  }
  for (let i = 0; i < 8; i += 1) {
    out.push(['@hub', 'viewCategory', [i]], ['@hub', 'viewCategoryABILegacy', [i]]);
  }
  known.touched.clear();
  if (all) {
    for (const at of Object.values(REGISTRY)) {
      for (let i = 0; i < 40; i += 1) out.push([at, 'tokenByIndex', [i]]);
      for (const who of known.people) {
        for (let i = 0; i < 6; i += 1) out.push([at, 'tokenOfOwnerByIndex', [`@${who}`, i]]);
      }
    }
  }
  return out;
}
