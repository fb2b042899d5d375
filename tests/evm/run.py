#!/usr/bin/env python3
"""run.py [--port N] [--chain-id N] [-- ANVIL-OPTION..]: an EVM chain with PoCo 6.1.0 on loopback, for
people and benches. Prints one line of JSON when it is there ({"rpcUrl", "hub", "token", ..}) and runs
until it is told to stop. $IA_BUILD, or else build-evm/ of the checkout, keeps what npm gave."""
import argparse
import json
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
os.environ.setdefault("IA_BUILD", os.path.join(HERE, "../../build-evm"))
import anvil  # noqa: E402
import npm  # noqa: E402


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--chain-id", type=int, default=anvil.CHAIN_ID)
    words.add_argument("option", nargs="*")
    asked = words.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        chain = anvil.Anvil(*asked.option, chain_id=asked.chain_id, port=asked.port)
    except npm.Unreachable as why:
        sys.exit(f"run.py: {why}")
    with chain:
        print(json.dumps({"rpcUrl": chain.url, "chainId": chain.chain_id, **chain.names}),
              flush=True)
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
