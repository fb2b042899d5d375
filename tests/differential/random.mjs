// The same numbers for the same seed (sfc32).
export class Random {
  constructor(seed) {
    this.s = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b9, 1];
    for (let i = 0; i < 20; i += 1) this.next();
  }

  next() {
    const s = this.s;
    const t = (s[0] + s[1] + s[3]) | 0;
    s[3] = (s[3] + 1) | 0;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = (s[2] + (s[2] << 3)) | 0;
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + t | 0;
    return (t >>> 0) / 2 ** 32;
  }

  below(n) {
    return Math.floor(this.next() * n);
  }

  chance(p) {
    return this.next() < p;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  // one of [[weight, value], ..]
  weighed(table) {
    let at = this.next() * table.reduce((sum, [w]) => sum + w, 0);
    for (const [weight, value] of table) {
      at -= weight;
      if (at < 0) return value;
    }
    return table[table.length - 1][1];
  }

  hex(n) {
    let out = '0x';
    for (let i = 0; i < n; i += 1) out += this.below(256).toString(16).padStart(2, '0');
    return out;
  }
}
