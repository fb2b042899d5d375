// Runs operations on both worlds and says where they part.
import { ethers } from './packages.mjs';
import { encode, eventName, reason } from './abi.mjs';
import { dealId } from './orders.mjs';
import { Resolver, Unresolved } from './resolve.mjs';
import { World, word } from './world.mjs';
import { Known, started, sweep } from './views.mjs';

const GAS = 8000000;
const PREDICT = { createApp: 'predictApp', createDataset: 'predictDataset',
  createWorkerpool: 'predictWorkerpool', createGroup: 'createGroup' };

// Call data that is not what its encoder made. A byte of what differs between the worlds by nature
// stays, unless it is one that an address has not.
function mangled(all, mangle) {
  const bytes = all.map((data) => ethers.getBytes(data));
  const [length] = bytes.map((x) => x.length);
  if (mangle.how === 'cut') {
    return bytes.map((x) => ethers.hexlify(x.slice(0, Math.floor(length * mangle.at))));
  }
  if (mangle.how === 'more') return all.map((data) => ethers.concat([data, mangle.bytes]));
  if (mangle.how === 'selector') {
    return bytes.map((x) => ethers.concat([mangle.bytes, x.slice(4)]));
  }
  const words = Math.floor((length - 4) / 32);
  if (words < 1) return all;
  const start = 4 + 32 * Math.floor(words * mangle.at);
  const [a, b] = bytes.map((x) => ethers.hexlify(x.slice(start, start + 32)));
  if (a !== b && (mangle.byte >= 12 || !a.startsWith('0x000000000000000000000000'))) return all;
  return bytes.map((x) => {
    x[start + mangle.byte] = mangle.to;
    return ethers.hexlify(x);
  });
}

// Hashes of what was mangled have no names. A node may run the call that asks for the result at the
// time of the block before.
function comparable(op, outcomes) {
  const seen = outcomes.every((x) => x.result !== undefined);
  return outcomes.map(({ result, ...rest }) => {
    if (op.mangle && rest.ok) {
      return { ok: rest.ok.map((x) => x.replaceAll(/\b(?!0{44})[0-9a-f]{64}\b/g, 'some')) };
    }
    return seen && !op.mangle ? { ...rest, result } : rest;
  });
}

export class Player {
  constructor(worlds, script, keys) {
    this.worlds = worlds;
    this.script = script;
    this.keys = keys;
    this.known = new Known();
    this.requests = worlds.map(() => new Map());
    this.resolvers = worlds.map((w) => new Resolver(w, script, keys));
  }

  // {to, data, value, from} in a world; throws Unresolved.
  built(op, i) {
    const r = this.resolvers[i];
    const to = r.value(op.to);
    const data = 'raw' in op ? op.raw : encode(op.fn, r.value(op.args));
    return { to, from: r.value(`@${op.from}`), data,
      value: ethers.toQuantity(op.value ?? 0), gas: ethers.toQuantity(GAS) };
  }

  // Gives what an operation will make its name before it runs.
  async foretell(op, call, i) {
    const world = this.worlds[i];
    const ask = async (to, data) => World.answer((await world.batch([['eth_call',
      { from: call.from, to, data }, 'latest']]))[0]).data;
    if (op.request && this.script.orders[op.request]) {
      const hash = this.resolvers[i].named(`order:${op.request}`);
      const consumed = await ask(world.hub, encode('viewConsumed', [hash]));
      world.name(`deal:${op.n}`, dealId(hash, BigInt(consumed)));
    }
    if (op.fn === 'contributeAndFinalize') {
      const [task, digest] = this.resolvers[i].value(op.args.slice(0, 2));
      this.resolvers[i].hash([task, digest]);
      this.resolvers[i].seal([call.from, task, digest]);
    }
    for (const [deal, index] of started(op)) {
      this.resolvers[i].named(`task:${deal.slice(6)}:${index}`);
    }
    if (op.makes) {
      const fn = PREDICT[op.makes.fn];
      const to = this.resolvers[i].value(op.makes.at ?? op.to);
      const made = await ask(to, encode(fn, this.resolvers[i].value(op.makes.args)));
      if (made && made.length === 66) world.name(op.makes.name, ethers.dataSlice(made, 12));
    }
  }

  async sign(world, from, call) {
    const key = this.keys.get(from);
    if (!world.nonces.has(from)) {
      const nonce = await world.rpc('eth_getTransactionCount', call.from, 'latest');
      world.nonces.set(from, Number(nonce));
    }
    const tx = ethers.Transaction.from({ type: 2, chainId: world.chainId, to: call.to,
      nonce: world.nonces.get(from), gasLimit: GAS, maxFeePerGas: 0, maxPriorityFeePerGas: 0,
      value: call.value, data: call.data });
    tx.signature = key.sign(tx.unsignedHash);
    return tx.serialized;
  }

  // The same, in both worlds.
  calls(op) {
    const calls = [0, 1].map((i) => this.built(op, i));
    if (!op.mangle) return calls;
    const data = mangled(calls.map((c) => c.data), op.mangle);
    return calls.map((c, i) => ({ ...c, data: data[i] }));
  }

  async run(op, call, i) {
    const world = this.worlds[i];
    await this.foretell(op, call, i);
    const time = world.start + op.at;
    const ask = ['eth_call', call, 'latest'];
    if (op.view) {
      const [reply] = await world.batch([ask]);
      return this.viewed(world, reply);
    }
    const before = [['evm_setNextBlockTimestamp', time], ...(op.result ? [ask] : [])];
    const [set, result] = await world.batch(before);
    if (set.error) throw new Error(`${world.title}: time ${time}: ${set.error.message}`);
    const receipt = await world.send(await this.sign(world, op.from, call));
    if (receipt.error) return { rejected: receipt.error };
    world.nonces.set(op.from, world.nonces.get(op.from) + 1);
    if (receipt.status === '0x1') {
      const out = { ok: receipt.logs.map((log) => this.event(world, log)) };
      if (result && !result.error) out.result = world.named(result.result);
      return out;
    }
    await world.batch([['evm_setNextBlockTimestamp', time]]);
    const [again] = await world.batch([ask]);
    return this.viewed(world, again);
  }

  viewed(world, reply) {
    const { data, refused } = World.answer(reply);
    if (refused === undefined) return { answer: world.named(data) };
    return { refused: reason(refused), data: world.named(refused) };
  }

  // It ends with the entry's address as a decimal number.
  uri(seen, data, world) {
    if (!seen.answer || seen.answer.length < 200) return seen;
    const bytes = `0x${seen.answer.replaceAll(' ', '')}`;
    const [text] = ethers.AbiCoder.defaultAbiCoder().decode(['string'], bytes);
    return { uri: text.replace(BigInt(ethers.dataSlice(data, 4)).toString(),
      world.named(ethers.dataSlice(data, 4))) };
  }

  event(world, log) {
    const [first, ...rest] = log.topics;
    return [world.named(`0x${word(log.address)}`), eventName(first),
      ...rest.map((x) => world.named(x)), '|', world.named(log.data)].join(' ');
  }

  // null, or what differs; `outcome` is that of the first world.
  async step(op) {
    let outcomes;
    try {
      const calls = this.calls(op);
      outcomes = await Promise.all(calls.map((call, i) => this.run(op, call, i)));
    } catch (e) {
      if (e instanceof Unresolved) return { outcome: { skipped: e.message } };
      throw e;
    }
    this.known.learn(op, outcomes[0], this.script);
    const [a, b] = comparable(op, outcomes).map((x) => JSON.stringify(x));
    return { outcome: outcomes[0], differs: a === b ? null
      : { op, [this.worlds[0].title]: outcomes[0], [this.worlds[1].title]: outcomes[1] } };
  }

  // null, or the first view that differs.
  async compareViews(all) {
    const views = sweep(this.known, all);
    for (let at = 0; at < views.length; at += 400) {
      const part = views.slice(at, at + 400);
      const answers = await Promise.all([0, 1].map((i) => this.readAll(part, i)));
      for (const [k, view] of part.entries()) {
        const [a, b] = [answers[0][k], answers[1][k]].map((x) => JSON.stringify(x));
        if (a !== b) {
          return { view, [this.worlds[0].title]: answers[0][k],
            [this.worlds[1].title]: answers[1][k] };
        }
      }
    }
    return null;
  }

  // The request for a view; what stays the same is encoded once.
  asked(view, i) {
    const [to, fn, args] = view;
    const key = JSON.stringify(view);
    const cache = this.requests[i];
    if (!cache.has(key)) {
      const at = this.resolvers[i].value(to);
      cache.set(key, fn.startsWith('eth_get') ? [fn, at, 'latest']
        : ['eth_call', { to: at, data: encode(fn, this.resolvers[i].value(args)) }, 'latest']);
    }
    return cache.get(key);
  }

  async readAll(views, i) {
    const world = this.worlds[i];
    const asked = views.map((view) => this.asked(view, i));
    return (await world.batch(asked)).map((reply, k) => (views[k][1] === 'eth_getCode'
      ? { code: reply.result !== '0x' } : this.viewed(world, reply)))
      .map((seen, k) => (views[k][1] === 'tokenURI' ? this.uri(seen, asked[k][1].data, world) : seen));
  }
}
