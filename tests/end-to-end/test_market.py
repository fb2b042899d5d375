#!/usr/bin/env python3
"""The market over a kill -9 of everything: orders, deals and what is left of orders are there again,
and listeners are told to list anew."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

IAPP = os.path.join(os.environ["IA_BUILD"], "iapp")
MOST = 2**53 - 1  # runs of the order that `iapp deploy` publishes
TOP = tempfile.mkdtemp(prefix="iapp-market-")


class World:
    up = None


def variables():
    env = {k: v for k, v in os.environ.items() if not k.startswith("IAPP_")}
    env.update(HOME=TOP, IAPP_HOME=os.path.join(TOP, "home"),
               IAPP_PASSWORD_FILE=os.path.join(TOP, "password"))
    return env


def start():
    World.up = subprocess.Popen([IAPP, "up", "--port", "0", "--test", "--json"], env=variables(),
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                stdin=subprocess.DEVNULL)
    World.config = json.loads(World.up.stdout.readline())
    check("rpcUrl" in World.config, f"ready: {World.config}")


def iapp(*args, wallet=None, cwd=TOP):
    who = ["--wallet", wallet] if wallet else []
    done = subprocess.run([IAPP, *args, *who, "--json", "--yes"], timeout=120, capture_output=True,
                          stdin=subprocess.DEVNULL, env=variables(), check=False, cwd=cwd)
    equal(done.returncode, 0, f"{args}: {done.stdout} {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def get(path, **headers):
    mark = "&" if "?" in path else "?"
    ask = urllib.request.Request(f"{World.config['marketUrl']}{path}{mark}chainId="
                                 f"{World.config['chainId']}", headers=headers)
    with urllib.request.urlopen(ask, timeout=60) as answer:
        return answer.headers["content-type"], answer.read().decode()


def listed(path):
    return json.loads(get(path)[1])


@case
def an_order_is_used_in_part():
    with open(os.path.join(TOP, "password"), "w", encoding="utf-8") as f:
        f.write("correct horse battery\n")
        os.fchmod(f.fileno(), 0o600)
    start()
    World.owner, World.user = (iapp("wallet", "new")["address"] for _ in range(2))
    iapp("init", "app", "--lang", "c")
    World.app = iapp("deploy", wallet=World.owner, cwd=os.path.join(TOP, "app"))["address"]
    iapp("publish", World.app, "--times", "5", wallet=World.owner)
    run = iapp("run", World.app, wallet=World.user)
    equal(run["tasks"][0]["status"], "COMPLETED", str(run))
    World.deal = run["dealId"]


@case
def events_have_numbers():
    kind, text = get("/events")
    check(kind.startswith("text/event-stream"), kind)
    World.last = text.split("id: ")[1].split("\n")[0]
    iapp("publish", World.app, "--times", "2", wallet=World.owner)
    _, text = get("/events", **{"Last-Event-ID": World.last})
    check("event: apporder_published\ndata: {" in text, text)
    World.orders = listed(f"/apporders?app={World.app}")["orders"]
    equal(sorted(o["remaining"] for o in World.orders), [2, 5, MOST - 1], "what is left")


@case
def nothing_is_lost_by_a_kill():
    family = proc.children(World.up.pid)
    for pid in family:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # went with its parent
    World.up.communicate()
    start()
    equal(listed(f"/apporders?app={World.app}")["orders"], World.orders, "orders")
    deals = listed(f"/deals?app={World.app}")["deals"]
    equal([d["dealid"] for d in deals], [World.deal], "deals")
    iapp("run", World.app, wallet=World.user)
    equal(sorted(o["remaining"] for o in listed(f"/apporders?app={World.app}")["orders"]), [2, 5, MOST - 2], "and goes on")
    _, text = get("/events", **{"Last-Event-ID": World.last})
    check("event: reset\n" in text, text)


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        if World.up:
            World.up.terminate()
            World.up.communicate(timeout=60)
        shutil.rmtree(TOP, ignore_errors=True)
