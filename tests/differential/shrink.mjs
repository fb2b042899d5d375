// Delta debugging: as few operations as still show the difference.
export async function shrink(ops, fails, first, say = () => {}) {
  let kept = first.length < ops.length && await fails(first) ? first : ops;
  let parts = 2;
  say(`${kept.length} operations`);
  while (kept.length >= 2) {
    const size = Math.ceil(kept.length / parts);
    let smaller = null;
    for (let at = 0; at < kept.length && !smaller; at += size) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (rest.length && await fails(rest)) smaller = rest;
    }
    if (smaller) {
      kept = smaller;
      parts = Math.max(parts - 1, 2);
      say(`${kept.length} operations`);
    } else if (size === 1) {
      return kept;
    } else {
      parts = Math.min(parts * 2, kept.length);
    }
  }
  return kept;
}

const THING = /@((?:asset|group|deal|task|order):[\w:]+)/g;

// What an operation speaks of or makes, through its orders too.
function things(op, orders) {
  let text = JSON.stringify(op);
  for (const [, id] of text.matchAll(/"(?:order|operation)":"(\w+)"/g)) {
    text += JSON.stringify(orders[id] ?? '') + ` @order:${id}`;
  }
  const out = new Set([...text.matchAll(THING)].map(([, name]) => name));
  for (const name of [...out]) if (name.startsWith('task:')) out.add(`deal:${name.split(':')[1]}`);
  if (op.makes) out.add(op.makes.name);
  if (op.request) out.add(`deal:${op.n}`);
  return out;
}

// Those that the last one may need: what makes or touches its things, and those of these in turn.
export function relevant(ops, orders) {
  const wanted = things(ops[ops.length - 1], orders);
  const kept = [ops[ops.length - 1]];
  for (const op of ops.slice(0, -1).reverse()) {
    const mine = things(op, orders);
    const paid = op.fn === 'approveAndCall' && op.n <= 10;
    if (!paid && ![...mine].some((x) => wanted.has(x))) continue;
    for (const x of mine) wanted.add(x);
    kept.push(op);
  }
  return kept.reverse();
}
