#!/usr/bin/env python3
"""run.py [--seed S] [--operations N] [--script FILE] [--save FILE]: random operations on the embedded
ledger and on anvil with the published contracts, or those of a script. A difference is shrunk, its
operations are told and saved; the exit status is 1 then."""
import argparse
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("IA_BUILD", os.path.join(HERE, "../../build-release"))
sys.path.insert(0, HERE)
import lab  # noqa: E402


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    words.add_argument("--operations", type=int, default=2000)
    words.add_argument("--script")
    words.add_argument("--save", default=os.path.join(os.environ["IA_BUILD"], "difference.json"))
    words.add_argument("--no-shrink", action="store_true")
    words.add_argument("--all", action="store_true",
                       help="go on after a difference; tell each kind once, shrink the first")
    words.add_argument("--mangle", type=float, help="share of operations whose bytes are spoiled")
    words.add_argument("--tally", action="store_true", help="what was done, how often")
    asked = words.parse_args()
    if not asked.script:
        print(f"seed {asked.seed}, {asked.operations} operations", flush=True)
    said, _ = lab.run(seed=asked.seed, operations=asked.operations, scripts=asked.script and [asked.script],
                      save=os.path.abspath(asked.save), shrink=not asked.no_shrink, every=asked.all, mangles=asked.mangle,
                      told=None)
    tally = said.pop("tally", {})
    if asked.tally:
        for name, row in sorted(tally.items()):
            print(f"{name:40} {json.dumps(row)}")
    print(json.dumps(said, indent=1))
    sys.exit(0 if said["equal"] else 1)


if __name__ == "__main__":
    main()
