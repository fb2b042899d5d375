#!/usr/bin/env python3
"""An installation on a chain with several nodes: one that is down at the start is waited for, commands
use all of them, and one that hangs keeps nobody waiting."""
import os
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import lab  # noqa: E402
from evmlab import chain, until  # noqa: E402
from proxy import Proxy  # noqa: E402
from tap import case, check, equal, main  # noqa: E402

LAB = lab.Lab("evm-nodes")
NODE = chain()


class Nodes:
    """What the cases share."""
    hangs = threading.Event()  # set: the first node answers nobody
    ended = threading.Event()
    asked = 0


def first(exchange):
    Nodes.asked += 1
    if Nodes.hangs.is_set():
        Nodes.ended.wait()
    return exchange["reply"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def options(*urls):
    return ("--chain", ",".join(urls), "--hub", NODE.hub, "--dataprotector", NODE.data_protector)


@case
def a_chain_that_is_down_at_the_start_is_waited_for():
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    LAB.write("services.log", "")
    started = threading.Thread(target=lambda: LAB.up(*options(url, "http://127.0.0.1:1"),
                                                     "--agree", "1"), daemon=True)
    started.start()
    until("it says that it waits", lambda: "waiting for the chain: " in LAB.log())
    check(url in LAB.log(), f"it names the node: {LAB.log()}")
    check(started.is_alive(), "it waits")
    late = Proxy(NODE.url, port=port)
    started.join(timeout=120)
    check(not started.is_alive(), f"it starts when the chain is there: {LAB.log()[-2000:]}")
    check("smsUrl" in LAB.config, f"{LAB.config}")
    equal(LAB.stop(), 0, "exit status")
    late.close()


@case
def who_waits_for_a_chain_can_be_stopped():
    home = lab.Lab("evm-nodes-stop")
    command = [lab.IAPP, "up", "--port", "0", *options("http://127.0.0.1:1")]
    with open(home.path("services.log"), "ab") as log:
        p = subprocess.Popen(command, env=home.env(), stderr=log, stdout=subprocess.DEVNULL)
    try:
        until("it waits", lambda: "waiting for the chain" in home.log())
        p.terminate()
        check(p.wait(timeout=60) != 0, "it was not ready")
    finally:
        p.kill()
        p.wait()
        home.close()


@case
def what_no_waiting_helps_is_refused_at_once():
    home = lab.Lab("evm-nodes-wrong")
    wrong = ("--chain", NODE.url, "--hub", NODE.hub, "--chain-id", "77")
    home.refused(None, "up", "--port", "0", *wrong, code="CHAIN_ID")
    home.close()


@case
def commands_use_every_node():
    one, two = Proxy(NODE.url, change=first), Proxy(NODE.url)
    Nodes.closing = [one, two]
    LAB.up(*options(one.url, two.url), "--agree", "1")
    equal(LAB.config["rpcUrl"], one.url, "packages take one")
    equal(LAB.good(None, "config", "sdk")["rpcUrl"], one.url, "one for the packages")
    user = LAB.wallet()
    for broken in ("hangs", "down"):
        seen = len(two.seen)
        if broken == "hangs":
            Nodes.hangs.set()
        else:
            one.close()
        LAB.good(None, "chain", "show")
        equal(LAB.good(user, "balance")["wallet"], 0, f"the first node {broken}")
        check(len(two.seen) > seen, f"the second node was asked: the first {broken}")
        Nodes.ended.set()
    check(Nodes.asked > 0, "the first was asked")


@case
def a_list_of_nodes_is_a_setting_too():
    two = Nodes.closing[1]
    LAB.good(None, "config", "set", "rpcUrl", f"http://127.0.0.1:1,{two.url}")
    LAB.good(None, "chain", "show")
    sdk = LAB.good(None, "config", "sdk")
    equal(sdk["rpcUrl"], "http://127.0.0.1:1", "packages take one")
    check("," not in str(sdk["packages"]).replace(", ", ""), f"{sdk['packages']}")


if __name__ == "__main__":
    try:
        main()
    finally:
        Nodes.ended.set()
        LAB.close()
        NODE.close()
