// One ledger of the two that are compared: its JSON-RPC, its addresses, and the names under which
// what differs between the two by nature (addresses, ids, hashes) is compared.
import http from 'node:http';
import { ethers } from './packages.mjs';

const ZERO_WORD = '0'.repeat(64);

// 32 bytes as 64 hex digits
export function word(value) {
  return ethers.zeroPadValue(value, 32).slice(2).toLowerCase();
}

export class World {
  constructor(title, config) {
    Object.assign(this, config);
    this.title = title;
    this.domain = {
      name: 'iExecODB', version: '5.0.0', chainId: config.chainId, verifyingContract: config.hub,
    };
    this.forget();
    this.id = 0;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  }

  // Names and nonces as they are before the first operation.
  forget() {
    this.nameOf = new Map();
    this.valueOf = new Map();
    this.nonces = new Map();
    for (const [name, value] of Object.entries(this.fixed)) this.name(name, value);
  }

  name(name, value) {
    this.valueOf.set(name, value.toLowerCase());
    if (word(value) !== ZERO_WORD) this.nameOf.set(word(value), name);
  }

  post(text) {
    return new Promise((resolve, reject) => {
      const request = http.request(this.url, { method: 'POST', agent: this.agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      }, (reply) => {
        const parts = [];
        reply.on('data', (part) => parts.push(part));
        reply.on('end', () => resolve(Buffer.concat(parts).toString()));
        reply.on('error', reject);
      });
      request.on('error', reject);
      request.end(text);
    });
  }

  async batch(calls) {
    const asked = calls.map(([method, ...params]) => ({
      jsonrpc: '2.0', id: (this.id += 1), method, params,
    }));
    const text = await this.post(JSON.stringify(asked.length === 1 ? asked[0] : asked));
    const answer = JSON.parse(text);
    const all = new Map((Array.isArray(answer) ? answer : [answer]).map((x) => [x.id, x]));
    return asked.map((x) => all.get(x.id));
  }

  async rpc(method, ...params) {
    const [answer] = await this.batch([[method, ...params]]);
    if (!answer.error) return answer.result;
    throw new Error(`${this.title}: ${method}: ${answer.error.code} ${answer.error.message}`);
  }

  // Words that have a name are replaced by it. Bytes behind a selector, or whole words.
  named(hex) {
    const digits = hex.slice(2).toLowerCase();
    const head = digits.length % 64 === 8 ? 8 : 0;
    const out = head ? [digits.slice(0, head)] : [];
    for (let i = head; i < digits.length; i += 64) {
      const part = digits.slice(i, i + 64);
      const name = part.length === 64 && this.nameOf.get(part);
      out.push(name ? `<${name}>` : part);
    }
    return out.join(' ');
  }

  // Waits for the receipt where a node answers before it has mined.
  async send(raw) {
    const [sent] = await this.batch([['eth_sendRawTransaction', raw]]);
    if (sent.error) return { error: sent.error.message };
    for (;;) {
      const receipt = await this.rpc('eth_getTransactionReceipt', sent.result);
      if (receipt) return receipt;
    }
  }

  // {data} of a call that succeeds, {refused} with the revert's bytes otherwise.
  static answer(reply) {
    if (!reply.error) return { data: reply.result };
    if (reply.error.code === 3) return { refused: reply.error.data ?? '0x' };
    return { refused: `error ${reply.error.code} ${reply.error.message}` };
  }
}
