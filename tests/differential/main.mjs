// main.mjs CONFIG.json: both worlds run; random operations from a seed, or those of a script. Ends
// with one line of JSON on standard output; a difference is shrunk and told on standard error.
import fs from 'node:fs';
import { ethers } from './packages.mjs';
import { Maker } from './make.mjs';
import { Player } from './play.mjs';
import { relevant, shrink } from './shrink.mjs';
import { World } from './world.mjs';

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const SWEEP_EVERY = 50;
const say = (text) => process.stderr.write(`${text}\n`);
const json = (v) => JSON.stringify(v, (_, x) => (typeof x === 'bigint' ? x.toString() : x));

function keyring() {
  const keys = new Map(Object.entries(config.keys).map(([n, k]) => [n, new ethers.SigningKey(k)]));
  const addresses = {};
  for (const [name, key] of keys) addresses[name] = ethers.computeAddress(key.publicKey);
  return { keys, addresses };
}

const { keys, addresses } = keyring();
const worlds = config.worlds.map((w) => new World(w.title, {
  ...w, fixed: { ...w.fixed, ...config.fixed, ...addresses, zero: ethers.ZeroAddress },
}));
let snapshots = null;

// Both as they were before the first operation.
async function anew() {
  for (const [i, world] of worlds.entries()) {
    if (snapshots) await world.rpc('evm_revert', snapshots[i]);
    world.forget();
  }
  snapshots = await Promise.all(worlds.map((w) => w.rpc('evm_snapshot')));
}

// The first difference, or null.
async function replay(script, ops, whole) {
  await anew();
  const player = new Player(worlds, script, keys);
  for (const op of ops) {
    const { differs } = await player.step(op);
    if (differs) return differs;
  }
  return whole ? player.compareViews(true) : null;
}

// Two differences are the same one when the same function is refused or answers differently.
function sort(found) {
  if (!found) return null;
  if (found.view) return `view ${found.view[1]}`;
  const [a, b] = Object.entries(found).filter(([k]) => k !== 'op').map(([, v]) => v);
  const verdict = (x) => ['ok', 'refused', 'rejected', 'answer'].find((k) => k in x);
  return `${found.op.fn ?? 'raw'} ${verdict(a)} ${verdict(b)} ${a.refused} ${b.refused}`;
}

async function explore(script, count) {
  await anew();
  const maker = new Maker(config.seed, script, config.mangles ?? 0.03);
  const player = new Player(worlds, script, keys);
  const tally = {};
  const all = [];
  for (let i = 1; i <= count; i += 1) {
    const op = maker.next();
    script.ops.push(op);
    const { outcome, differs } = await player.step(op);
    const verdict = ['ok', 'answer', 'refused', 'rejected', 'skipped'].find((k) => k in outcome);
    const row = (tally[op.fn ?? 'bytes'] ??= {});
    row[verdict] = (row[verdict] ?? 0) + 1;
    if (verdict === 'refused') {
      row.reasons ??= {};
      row.reasons[outcome.refused] = (row.reasons[outcome.refused] ?? 0) + 1;
    }
    maker.learn(op, outcome);
    const found = differs ?? (i % SWEEP_EVERY === 0 || i === count
      ? await player.compareViews(i === count) : null);
    if (!found) continue;
    const known = all.some((x) => sort(x) === sort(found));
    if (!known) all.push(found);
    if (!config.all) break;
  }
  return { found: all[0], all, tally };
}

async function shrunk(script, found) {
  const want = sort(found);
  const ops = await shrink(script.ops,
    async (some) => sort(await replay(script, some, Boolean(found.view))) === want,
    relevant(script.ops, script.orders), say);
  const last = await replay(script, ops, Boolean(found.view));
  const used = JSON.stringify(ops);
  const orders = Object.fromEntries(Object.entries(script.orders)
    .filter(([id]) => used.includes(`"${id}"`) || used.includes(`order:${id}`)));
  return { found: last ?? found, script: { keys: script.keys, orders, ops } };
}

// Those of a file, or of several one after the other.
async function scripts() {
  for (const path of config.scripts) {
    const script = JSON.parse(fs.readFileSync(path, 'utf8'));
    const found = await replay(script, script.ops, true);
    if (found) return { found, script };
  }
  return { found: null };
}

async function random() {
  const script = { keys: [...keys.keys()], orders: {}, ops: [] };
  return { script, ...await explore(script, config.operations) };
}

async function main() {
  const { found, script, all, tally } = config.scripts ? await scripts() : await random();
  if (!found) {
    console.log(json({ equal: true, tally }));
    return;
  }
  for (const one of all ?? [found]) say(`difference: ${json(one)}`);
  const least = config.shrink === false ? { found, script } : await shrunk(script, found);
  if (config.save) fs.writeFileSync(config.save, `${json(least.script)}\n`);
  for (const op of least.script.ops) say(json(op));
  console.log(json({ equal: false, difference: least.found, operations: least.script.ops.length,
    saved: config.save }));
}

await main();
