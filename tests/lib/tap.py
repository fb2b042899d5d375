"""A test program in TAP: functions marked @case run in order, each in one line of the output."""
import sys
import time
import traceback

_cases = []


class Skip(Exception):
    """The machine lacks what this case needs; the reason is printed."""


def case(fn):
    _cases.append(fn)
    return fn


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def main():
    only = sys.argv[1:]
    cases = [c for c in _cases if not only or c.__name__ in only]
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for n, fn in enumerate(cases, 1):
        name = fn.__name__.replace("_", " ")
        start = time.monotonic()
        try:
            fn()
            print(f"ok {n} - {name} # {time.monotonic() - start:.1f} s", flush=True)
        except Skip as why:
            print(f"ok {n} - {name} # SKIP {why}", flush=True)
        except Exception:  # every fault of a case is its failure, and the next one still runs
            failed += 1
            print(f"not ok {n} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print("# " + line, flush=True)
    sys.exit(1 if failed else 0)
