#!/usr/bin/env python3
"""The embedded ledger gives what the published contracts of PoCo 6.1.0 give on an EVM: accepted or
refused, with the same bytes; the same events; the same views. The same seed each time, so that a check
tells of the change that it checks; $IAPP_TEST_SEED=N or =new for others, run.py for many."""
import glob
import os
import random
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import lab  # noqa: E402
from tap import case, check, equal, main  # noqa: E402

CHOSEN = os.environ.get("IAPP_TEST_SEED", "1402987810")
SEED = random.randrange(1 << 32) if CHOSEN == "new" else int(CHOSEN)
OPERATIONS = 2000
MISSED = 2
# what such a run is about: accepted, and refused. A seed may miss a few of them.
BOTH = ("matchOrders", "initialize(bytes32,uint256)", "contribute", "contributeAndFinalize",
        "reveal", "claim", "manageAppOrder", "transferFrom", "withdraw")
ACCEPTED = ("sponsorMatchOrders", "finalize", "manageRequestOrder", "createApp", "createDataset",
            "createWorkerpool", "createGroup", "addKey", "approveAndCall", "changePolicy")


@case
def what_differed_once_is_equal():
    scripts = sorted(glob.glob(os.path.join(HERE, "scripts/*.json")))
    check(scripts, "there are scripts")
    said, told = lab.run(scripts=scripts)
    check(said["equal"], f"{said}\n{told[-6000:]}")


@case
def random_operations_give_the_same_on_both():
    print(f"# seed {SEED}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        said, told = lab.run(seed=SEED, operations=OPERATIONS,
                             save=os.path.join(folder, "script.json"))
    check(said["equal"], f"seed {SEED}: {said}\n{told[-6000:]}")
    for verdict, names in (("ok", (*BOTH, *ACCEPTED)), ("refused", BOTH)):
        missed = [name for name in names if not said["tally"].get(name, {}).get(verdict)]
        check(len(missed) <= MISSED, f"seed {SEED}: nothing of {missed} was {verdict}")


@case
def spoiled_call_data_is_judged_alike():
    said, told = lab.run(seed=SEED + 1, operations=300, mangles=0.5)
    check(said["equal"], f"seed {SEED + 1}, mangled by half: {said}\n{told[-6000:]}")


@case
def a_difference_is_found_and_shrunk():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "script.json")
        said, _ = lab.run(seed=5, operations=200, save=path, rules="6.2")
        check(not said["equal"], "6.2 is not 6.1")
        check(said["operations"] <= 6, f"shrunk: {said}")
        again, _ = lab.run(scripts=[path], rules="6.2")
        equal(again["equal"], False, "the script shows it again")
        equal(lab.run(scripts=[path])[0]["equal"], True, "the script on equal rules")


if __name__ == "__main__":
    main()
