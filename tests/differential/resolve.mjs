// Operations are written in names, so that one script runs on both worlds:
//   "@u3"                     an address or id by its name; "@task:7:2" is task 2 of the deal that
//                             operation 7 made
//   {order, sig}              an order of the script, signed; {operation, op, sig} its SIGN or CLOSE
//   sig is {by, form}, or the same {bytes} on both
//   {hash|seal: [..]}         what a contribution states; {auth|proof: [..], by, form} who signs it
//   {pad}, {uint}, {keccak}   an address as 32 bytes, as a number; the hash of bytes
//   {call: [fn, args]}        call data
import { ethers } from './packages.mjs';
import { encode } from './abi.mjs';
import * as orders from './orders.mjs';

export class Unresolved extends Error {}

const ZERO = ethers.ZeroAddress;

export class Resolver {
  constructor(world, script, keys) {
    this.world = world;
    this.script = script;
    this.keys = keys;
  }

  value(v) {
    if (typeof v === 'string' && v.startsWith('@')) return this.named(v.slice(1));
    if (Array.isArray(v)) return v.map((x) => this.value(x));
    if (v === null || typeof v !== 'object') return v;
    if ('order' in v) return this.signedOrder(v);
    if ('operation' in v) return this.operation(v);
    if ('hash' in v) return this.hash(v.hash.map((x) => this.value(x)));
    if ('seal' in v) return this.seal(v.seal.map((x) => this.value(x)));
    if ('auth' in v) return this.sign(orders.authorised(...this.value(v.auth)), v);
    if ('proof' in v) return this.proof(v);
    if ('pad' in v) return ethers.zeroPadValue(this.value(v.pad), 32);
    if ('uint' in v) return BigInt(this.value(v.uint));
    if ('call' in v) return encode(v.call[0], this.value(v.call[1]));
    if ('keccak' in v) return ethers.keccak256(this.value(v.keccak));
    throw new Error(`no value: ${JSON.stringify(v)}`);
  }

  named(name) {
    const { world } = this;
    const [kind, of, index] = name.split(':');
    if (!world.valueOf.has(name)) {
      if (kind === 'order') world.name(name, this.orderHash(of));
      else if (kind === 'task') world.name(name, orders.taskId(this.named(`deal:${of}`), index));
      else throw new Unresolved(name);
    }
    return world.valueOf.get(name);
  }

  order(id) {
    const { kind, fields } = this.script.orders[id] ?? {};
    if (!kind) throw new Unresolved(`order:${id}`);
    const out = {};
    for (const [name, v] of Object.entries(fields)) out[name] = this.value(v);
    return { kind, out };
  }

  orderHash(id) {
    const { kind, out } = this.order(id);
    return orders.orderHash(this.world, kind, out);
  }

  sign(hash, { by, form, bytes }) {
    if (bytes) return bytes;
    return orders.signed(this.keys.get(by), hash, form);
  }

  signedOrder({ order, sig }) {
    const { kind, out } = this.order(order);
    const hash = this.named(`order:${order}`);
    return [...orders.names[kind].map((name) => out[name]), sig ? this.sign(hash, sig) : '0x'];
  }

  operation({ operation, op, sig }) {
    const { kind, out } = this.order(operation);
    this.named(`order:${operation}`);
    const inner = [...orders.names[kind].map((name) => out[name]), '0x'];
    const hash = sig && orders.operationHash(this.world, kind, out, op);
    return [inner, op, sig ? this.sign(hash, sig) : '0x'];
  }

  hash([task, digest]) {
    const hash = orders.resultHash(task, digest);
    this.world.name(`hash of ${this.world.named(task)}, ${digest}`, hash);
    return hash;
  }

  seal([worker, task, digest]) {
    const seal = orders.resultSeal(worker, task, digest);
    this.world.name(`seal of ${worker}, ${this.world.named(task)}, ${digest}`, seal);
    return seal;
  }

  proof(v) {
    const [worker, task, digest] = this.value(v.proof);
    return this.sign(orders.attested(this.hash([task, digest]),
      this.seal([worker, task, digest])), v);
  }
}

export { ZERO };
