#!/usr/bin/env python3
"""The parser of GraphQL documents against npm's graphql: the same documents taken and refused, the
same trees."""
import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../../lib")]
import documents  # noqa: E402
import npm  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

GRAPHQL = ("graphql", "16.11.0")
TREE = sys.argv.pop(1)
SEED = int(os.environ.get("IA_SEED", "1"))
COUNT = int(os.environ.get("IA_COUNT", "6000"))


def ours(texts):
    fed = b"".join(b"%d\n%s" % (len(t), t) for t in (x.encode() for x in texts))
    done = subprocess.run([TREE], input=fed, capture_output=True, timeout=120, check=True)
    return [json.loads(x) for x in done.stdout.splitlines()]


def theirs(texts):
    folder = npm.installed(*GRAPHQL)
    done = subprocess.run([npm.node(), os.path.join(HERE, "tree.mjs"), folder],
                          input=json.dumps(texts).encode(), capture_output=True, timeout=120,
                          check=False)
    check(done.returncode == 0, done.stderr.decode()[-400:])
    return [json.loads(x) for x in done.stdout.decode().split("\n") if x]


def compare(texts):
    """How many documents were taken."""
    taken = 0
    mine, others = ours(texts), theirs(texts)
    equal((len(mine), len(others)), (len(texts), len(texts)), "answers")
    for text, got, want in zip(texts, mine, others):
        refused = isinstance(want, dict)
        equal(isinstance(got, dict), refused, f"{text!r}: {got} {want} refused")
        if not refused:
            equal(got, want, f"tree of {text!r}")
            taken += 1
    return taken


@case
def good_documents_have_the_same_tree():
    equal(compare(documents.GOOD), len(documents.GOOD), "documents taken")


@case
def bad_documents_are_refused_by_both():
    equal(compare(documents.BAD), 0, "documents taken")


@case
def changed_documents_agree():
    rng = random.Random(SEED)
    taken = compare(list(documents.changed(rng, COUNT)))
    print(f"# seed {SEED}: {taken} of {COUNT} taken")
    check(COUNT // 20 < taken < COUNT, "both kinds occur")


tap.main()
