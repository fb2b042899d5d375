"""Every single change of a JSON answer, field by field: the points where a liar could lie."""
import copy
import json


def _leaves(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield from _leaves(value[key], path + (key,))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _leaves(item, path + (i,))
    else:
        yield path, value


def _is_hex(text):
    return text.startswith("0x") and all(c in "0123456789abcdefABCDEF" for c in text[2:])


def _words(text):
    """Indexes of the 32-byte words of a long hex text; one index for a short one."""
    digits = len(text) - 2
    return range(max(1, (digits + 63) // 64))


def points(value):
    """(path, word) of every place that change() can alter."""
    for path, leaf in _leaves(value):
        if isinstance(leaf, str) and _is_hex(leaf):
            for word in _words(leaf):
                yield path, word
        else:
            yield path, 0


def _alter(leaf, word):
    if isinstance(leaf, bool):
        return not leaf
    if isinstance(leaf, int):
        return leaf + 1
    if leaf is None:
        return "0x1"
    if not _is_hex(leaf):
        return leaf + "x"
    digits = leaf[2:]
    # the last digit of the word: the low bits of a number, address or flag
    at = min(word * 64 + 63, len(digits) - 1)
    if at < 0:
        return "0x01"
    return "0x" + digits[:at] + "%x" % (int(digits[at], 16) ^ 1) + digits[at + 1:]


def change(value, path, word):
    """A copy of value with one point altered."""
    changed = copy.deepcopy(value)
    at = changed
    for key in path[:-1]:
        at = at[key]
    if not path:
        return _alter(value, word)
    at[path[-1]] = _alter(at[path[-1]], word)
    return changed


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()
