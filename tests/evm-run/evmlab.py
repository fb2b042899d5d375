"""A chain and an installation upon it, for the tests of this folder."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from anvil import Anvil  # noqa: E402
from tap import Skip  # noqa: E402


def chain(*options, **more):
    """The node; without one the whole test is skipped."""
    try:
        return Anvil(*options, **more)
    except Skip as why:
        print(f"1..0 # SKIP {why}")
        sys.exit(0)


def where(node):
    """Options of `iapp up` for that node."""
    return "--chain", node.url, "--hub", node.hub, "--dataprotector", node.data_protector
