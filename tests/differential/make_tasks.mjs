// The life of tasks: mixed into Maker.
const WORKERS = ['u5', 'u6', 'u7', 'u8', 'u9'];
const ENCLAVES = ['e0', 'e1'];
const FORMS = ['64', 'v01', 'flipped', 'high', 'short', 'empty', 'zero', 'other'];

export const taskMoves = {
  // Mostly one that nobody initialised, of a deal that is not over.
  newTask() {
    const { r } = this;
    const fresh = this.deals.filter((d) => this.at < d.start + 1800);
    const deal = r.chance(0.85) ? r.pick(fresh) ?? r.pick(this.deals) : r.pick(this.deals);
    if (!deal) return null;
    const all = Array.from({ length: Math.min(deal.volume, 4) }, (_, i) => deal.first + i);
    const left = all.filter((i) => !this.tasks.some((t) => t.key === `${deal.n}:${i}`));
    if (!left.length && r.chance(0.85)) return null;
    const index = r.chance(0.93) ? r.pick(left.length ? left : all)
      : r.pick([deal.first + deal.volume, Math.max(deal.first - 1, 0), 2 ** 40]);
    return { deal, index };
  },

  initialize() {
    const { r } = this;
    const t = this.newTask();
    if (!t) return null;
    if (r.chance(0.8)) {
      return this.op(this.user(), '@hub', 'initialize(bytes32,uint256)', [`@${t.deal.name}`, t.index],
        { starts: [t.deal.n, t.index] });
    }
    const more = [t, this.newTask(), this.newTask()].filter(Boolean).slice(0, 1 + r.below(3));
    const indices = more.map((x) => x.index);
    if (r.chance(0.1)) indices.pop();
    return this.op(this.user(), '@hub', r.chance(0.7) ? 'initializeArray'
      : 'initializeAndClaimArray', [more.map((x) => `@${x.deal.name}`), indices],
    { many: more.map((x) => [x.deal.n, x.index]) });
  },

  owner(deal) {
    const owner = deal.pool.asset.owner;
    return this.script.keys.includes(owner) ? owner : 'u0';
  },

  callbackOf(task) {
    const { r } = this;
    const wanted = task.deal.request.fields.callback !== '@zero';
    return r.chance(0.93) === wanted ? r.hex(r.pick([1, 32, 64, 96])) : '0x';
  },

  enclave(task) {
    const tee = parseInt(task.deal.request.fields.tag.slice(-1), 16) & 1;
    return this.r.chance(tee ? 0.93 : 0.1) ? this.r.pick(ENCLAVES) : null;
  },

  // The signatures of the pool and of the enclave.
  signatures(task, worker, digest, enclave) {
    const { r } = this;
    const form = () => r.weighed([[25, '65'], [2, '64'], [1.2, r.pick(FORMS)]]);
    const at = enclave ? `@${enclave}` : '@zero';
    const by = r.chance(0.96) ? this.owner(task.deal) : this.user();
    return {
      at, auth: { auth: [`@${worker}`, task.name, at], by, form: form() },
      proof: enclave ? { proof: [`@${worker}`, task.name, digest], form: form(),
        by: r.chance(0.96) ? enclave : 'e1' } : r.chance(0.95) ? '0x' : r.hex(65),
    };
  },

  contribute(task) {
    const { r } = this;
    const left = WORKERS.filter((w) => !task.by.has(w));
    const worker = left.length && r.chance(0.95) ? r.pick(left) : r.pick(WORKERS);
    const digest = r.chance(0.8) ? task.digest : r.hex(32);
    const s = this.signatures(task, worker, digest, this.enclave(task));
    return this.op(worker, '@hub', 'contribute', [task.name, { hash: [task.name, digest] },
      { seal: [`@${r.chance(0.97) ? worker : this.user()}`, task.name, digest] }, s.at, s.proof,
      s.auth], { gives: { worker, digest }, task: task.key });
  },

  atOnce(task) {
    const { r } = this;
    const worker = r.pick(WORKERS);
    const callback = this.callbackOf(task);
    const digest = callback === '0x' ? r.hex(32) : { keccak: callback };
    const s = this.signatures(task, worker, digest, this.enclave(task));
    return this.op(worker, '@hub', 'contributeAndFinalize', [task.name, digest,
      r.hex(r.below(60)), callback, s.at, s.proof, s.auth], { task: task.key, ends: true });
  },

  reveal(task) {
    const { r } = this;
    const open = [...task.by].filter(([w]) => !task.shown.has(w));
    const [worker, digest] = open.length && r.chance(0.95) ? r.pick(open)
      : [r.pick(WORKERS), task.digest];
    return this.op(worker, '@hub', 'reveal', [task.name, r.chance(0.95) ? digest : r.hex(32)],
      { task: task.key, shows: worker });
  },

  finish(task) {
    const { r } = this;
    const from = r.chance(0.95) ? this.owner(task.deal) : this.user();
    const fits = task.callback !== '0x' && r.chance(0.95);
    const callback = fits ? task.callback : this.callbackOf(task);
    return this.op(from, '@hub', 'finalize', [task.name, r.hex(r.below(60)), callback],
      { task: task.key, ends: true });
  },

  reopen(task) {
    return this.op(this.r.chance(0.95) ? this.owner(task.deal) : this.user(), '@hub', 'reopen',
      [task.name], { task: task.key, reopens: true,
        ...(this.r.chance(0.7) ? { dt: 601 } : {}) });
  },

  claim(task) {
    const { r } = this;
    const late = r.chance(0.6) ? { dt: r.pick([2999, 3000, 3001, 2100]) } : {};
    if (r.chance(0.75)) {
      return this.op(this.user(), '@hub', 'claim', [task.name], { task: task.key, claims: true, ...late });
    }
    const more = [task, ...(r.chance(0.5) ? [r.pick(this.tasks)] : [])];
    return this.op(this.user(), '@hub', 'claimArray', [more.map((t) => t.name)],
      { task: task.key, claims: true, ...late });
  },

  task() {
    const { r } = this;
    const open = this.tasks.filter((t) => t.open
      && (this.at < t.deal.start + 2100 || r.chance(0.1)));
    if (!open.length || r.chance(0.25)) return this.initialize() ?? this.match();
    const task = r.chance(0.9) ? r.pick(open.slice(-8)) : r.pick(this.tasks);
    if (r.chance(0.06)) {
      return r.pick(['contribute', 'atOnce', 'reveal', 'finish', 'reopen', 'claim']
        .map((name) => () => this[name](task)))();
    }
    if (r.chance(0.02)) return this.claim(task);
    const stale = this.tasks.filter((t) => t.open && this.at > t.deal.start + 3000);
    if (stale.length && r.chance(0.1)) return this.claim(r.pick(stale));
    if (task.revealing) {
      if (r.chance(0.06)) return this.reopen(task);
      return task.shown.size && r.chance(0.5) ? this.finish(task) : this.reveal(task);
    }
    return !task.by.size && Number(task.deal.request.fields.trust) <= 1 && r.chance(0.5)
      ? this.atOnce(task) : this.contribute(task);
  },

  started([n, index]) {
    const deal = this.deals.find((d) => d.n === n);
    const key = `${n}:${index}`;
    if (!deal || this.tasks.some((t) => t.key === key)) return;
    const callback = deal.request.fields.callback !== '@zero' ? this.r.hex(40) : '0x';
    this.tasks.push({ key, name: `@task:${key}`, deal, by: new Map(), shown: new Set(), open: true,
      revealing: false, callback,
      digest: callback === '0x' ? this.r.hex(32) : { keccak: callback } });
  },

  learnTask(op, outcome) {
    if (op.starts) this.started(op.starts);
    for (const one of op.many ?? []) if (op.fn === 'initializeArray') this.started(one);
    const task = op.task && this.tasks.find((t) => t.key === op.task);
    if (!task) return;
    if (op.gives) task.by.set(op.gives.worker, op.gives.digest);
    if (outcome.ok.some((x) => x.includes(' TaskConsensus '))) task.revealing = true;
    if (op.shows) task.shown.add(op.shows);
    if (op.reopens) task.revealing = false;
    if (op.ends || op.claims) task.open = false;
  },
};
