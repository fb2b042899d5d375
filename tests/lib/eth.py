"""Ethereum, as little as tests need and written apart from the code under test: Keccak-256, keys,
signed transactions, JSON-RPC. Keys of tests are no secrets and their nonces may be guessed."""
import json
import time
import urllib.request

_P = 2**256 - 2**32 - 977
_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
      0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
_ROUNDS = []
_lfsr = 1
for _ in range(24):
    _constant = 0
    for _j in range(7):
        if _lfsr & 1:
            _constant |= 1 << ((1 << _j) - 1)
        _lfsr = (_lfsr << 1) ^ (0x171 if _lfsr & 0x80 else 0)
    _ROUNDS.append(_constant)
_MASK = 2**64 - 1


def _rotate(v, n):
    n %= 64
    return ((v << n) | (v >> (64 - n))) & _MASK if n else v


def _permute(a):
    for constant in _ROUNDS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[(x - 1) % 5] ^ _rotate(c[(x + 1) % 5], 1) for x in range(5)]
        a = [a[i] ^ d[i % 5] for i in range(25)]
        x, y, moving = 1, 0, a[1]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            a[x + 5 * y], moving = _rotate(moving, (t + 1) * (t + 2) // 2), a[x + 5 * y]
        a = [a[i] ^ (~a[i - i % 5 + (i + 1) % 5] & a[i - i % 5 + (i + 2) % 5] & _MASK)
             for i in range(25)]
        a[0] ^= constant
    return a


def keccak(data):
    padded = bytearray(data) + b"\x01" + bytes(-(len(data) + 1) % 136)
    padded[-1] |= 0x80
    state = [0] * 25
    for at in range(0, len(padded), 136):
        for i in range(17):
            state[i] ^= int.from_bytes(padded[at + 8 * i:at + 8 * i + 8], "little")
        state = _permute(state)
    return b"".join(v.to_bytes(8, "little") for v in state[:4])


def _add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if a[1] != b[1]:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, _P) % _P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, _P) % _P
    x = (slope * slope - a[0] - b[0]) % _P
    return x, (slope * (a[0] - x) - a[1]) % _P


def _times(k, point):
    out = None
    while k:
        if k & 1:
            out = _add(out, point)
        point = _add(point, point)
        k >>= 1
    return out


def rlp(item):
    """int, bytes, or a list of them."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, list):
        body, base = b"".join(rlp(x) for x in item), 0xc0
    elif len(item) == 1 and item[0] < 0x80:
        return item
    else:
        body, base = item, 0x80
    if len(body) < 56:
        return bytes([base + len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(size)]) + size + body


class Account:
    """Signs with nonce points G, 2G, 3G, ..: an addition a signature."""

    def __init__(self, key):
        self.key, self.nonce = key, 0
        x, y = _times(key, _G)
        self.address = "0x" + keccak(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:].hex()
        self._k, self._point = key + 1, _times(key + 1, _G)

    def sign(self, digest, high=False):
        """(parity, r, s)"""
        self._k, self._point = self._k + 1, _add(self._point, _G)
        r, parity = self._point[0] % _N, self._point[1] & 1
        s = pow(self._k, -1, _N) * (int.from_bytes(digest, "big") + r * self.key) % _N
        if (s > _N // 2) != high:
            s, parity = _N - s, parity ^ 1
        return parity, r, s

    def transaction(self, chain, to, data, nonce=None, gas=8000000, fee=0, value=0, high=False):
        """Raw type-2 transaction as 0x hex; without `nonce` the next of this account."""
        if nonce is None:
            nonce, self.nonce = self.nonce, self.nonce + 1
        fields = [chain, nonce, fee, fee, gas, bytes.fromhex(to[2:]), value, data, []]
        signature = self.sign(keccak(b"\x02" + rlp(fields)), high)
        return "0x02" + rlp(fields + list(signature)).hex()

    def legacy(self, chain, to, data, nonce, price=0, protected=True):
        fields = [nonce, price, 8000000, bytes.fromhex(to[2:]), 0, data]
        tail = [chain, 0, 0] if protected else []
        parity, r, s = self.sign(keccak(rlp(fields + tail)))
        v = chain * 2 + 35 + parity if protected else 27 + parity
        return "0x" + rlp(fields + [v, r, s]).hex()


def call(signature, *words):
    """Call data of static arguments: ints and addresses."""
    data = keccak(signature.encode())[:4]
    for w in words:
        data += (int(w, 16) if isinstance(w, str) else w).to_bytes(32, "big")
    return data


def post(url, request, timeout=60):
    """The parsed reply to a request or a batch."""
    ask = urllib.request.Request(url, json.dumps(request).encode(),
                                 {"content-type": "application/json"})
    with urllib.request.urlopen(ask, timeout=timeout) as answer:
        return json.load(answer)


class RpcError(Exception):
    """.args = (code, message)"""


def rpc(url, method, *params):
    reply = post(url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    if "error" in reply:
        raise RpcError(reply["error"]["code"], reply["error"]["message"])
    return reply["result"]


def receipt(url, name, within_s=60):
    """Of a transaction that was sent; some nodes answer before they have mined it."""
    end = time.monotonic() + within_s
    while True:
        found = rpc(url, "eth_getTransactionReceipt", name)
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"no receipt of {name}")
        time.sleep(0.002)
