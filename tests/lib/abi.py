"""Solidity's ABI, as much of it as deploying contracts and reading their answers needs."""
import re

from eth import keccak


def _number(value):
    return int(value, 16) if isinstance(value, str) else int(value)


def _split(types):
    """The types of a tuple's text, without its parentheses."""
    out, depth, start = [], 0, 0
    for i, c in enumerate(types):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            out.append(types[start:i])
            start = i + 1
    return out + [types[start:]] if types else []


def _dynamic(kind):
    if kind.endswith("[]") or kind in ("bytes", "string"):
        return True
    return kind.startswith("(") and any(map(_dynamic, _split(kind[1:-1])))


def _one(kind, value):
    if kind.endswith("[]"):
        return len(value).to_bytes(32, "big") + encode([kind[:-2]] * len(value), value)
    if kind.startswith("("):
        return encode(_split(kind[1:-1]), value)
    if kind in ("bytes", "string"):
        data = value.encode() if isinstance(value, str) else value
        return len(data).to_bytes(32, "big") + data + bytes(-len(data) % 32)
    if re.fullmatch(r"bytes\d+", kind):
        return bytes(value).ljust(32, b"\0")
    return (_number(value) % 2**256).to_bytes(32, "big")


def encode(kinds, values):
    """Values are ints, 0x hex of numbers and addresses, bytes, texts, and lists of them."""
    parts = [(_dynamic(kind), _one(kind, value)) for kind, value in zip(kinds, values, strict=True)]
    at = sum(32 if moved else len(part) for moved, part in parts)
    head, tail = b"", b""
    for moved, part in parts:
        head += (at + len(tail)).to_bytes(32, "big") if moved else part
        tail += part if moved else b""
    return head + tail


def selector(signature):
    return keccak(signature.encode())[:4]


def call(signature, *values):
    """Call data, e.g. call("transfer(address,uint256)", who, 5)."""
    kinds = _split(signature[signature.index("(") + 1:-1])
    return selector(signature) + encode(kinds, values)


def signature_of(entry):
    """name(types) of a function of a JSON ABI."""
    def kind(value):
        if value["type"].startswith("tuple"):
            inner = ",".join(map(kind, value["components"]))
            return f"({inner}){value['type'][5:]}"
        return value["type"]
    return f"{entry['name']}({','.join(map(kind, entry['inputs']))})"
