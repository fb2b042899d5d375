#!/usr/bin/env python3
"""Cheap attacks on a whole installation: while each runs, honest requests are answered, none takes
longer than LIMIT seconds, and the attack leaves nothing behind."""
import http.client
import json
import os
import resource
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import eth  # noqa: E402
import lab as people  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = people.Lab("siege")
LIMIT = 10
BOUNDARY = "b" * 30
PART = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n").encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def place(name):
    host, port = LAB.config[name].split("//")[1].rstrip("/").rsplit(":", 1)
    return host, int(port)


def ask(name, method, path, body=None, headers=None):
    """Answer of an honest request, over a connection of its own; how long it took."""
    start = time.monotonic()
    c = http.client.HTTPConnection(*place(name), timeout=60)
    c.request(method, path, body, headers or {})
    answer = c.getresponse()
    text = answer.read()
    c.close()
    return answer.status, text, time.monotonic() - start


def rpc(method, *params):
    status, text, took = ask("rpcUrl", "POST", "/", json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}),
        {"Content-Type": "application/json"})
    equal(status, 200, method)
    answer = json.loads(text)
    check("result" in answer, f"{method}: {answer}")
    return took


def upload():
    data = os.urandom(100_000)
    status, text, took = ask("rpcUrl", "POST", "/api/v0/add", PART + data + END, {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    equal(status, 200, f"upload: {text}")
    return took


def good(name, path):
    status, text, took = ask(name, "GET", path)
    equal(status, 200, f"{path}: {text}")
    return took


HONEST = {
    "rpc": lambda: rpc("eth_blockNumber"),
    "logs": lambda: rpc("eth_getLogs", {"fromBlock": "latest", "toBlock": "latest"}),
    "upload": upload,
    "list": lambda: good("rpcUrl", "/categories?chainId=421614"),
    "graph": lambda: good("rpcUrl", "/graphql/poco"),
    "sms": lambda: good("smsUrl", "/up"),
    "sms info": lambda: good("smsUrl", "/info"),
    "scheduler": lambda: good("schedulerUrl", "/version"),
}


def typed(domain, text):
    """The EIP-712 hash of a challenge."""
    def hashed(value):
        return eth.keccak(value.encode())

    separator = eth.keccak(
        hashed("EIP712Domain(string name,string version,uint256 chainId)") + hashed(domain["name"])
        + hashed(domain["version"]) + int(domain["chainId"]).to_bytes(32, "big"))
    return eth.keccak(b"\x19\x01" + separator
                      + eth.keccak(hashed("Challenge(string challenge)") + hashed(text)))


class Attack:
    """Connections that stay open while it lasts; `go` feeds them."""

    def __init__(self):
        self.sockets, self.stop = [], False

    def dial(self, name, data=b""):
        try:
            s = socket.create_connection(place(name), 20)
            s.sendall(data)
            self.sockets.append(s)
            return s
        except OSError:
            return None

    def trickle(self, byte, pause):
        def go():
            while not self.stop:
                for s in self.sockets:
                    try:
                        s.sendall(byte)
                    except OSError:
                        pass
                time.sleep(pause)
        threading.Thread(target=go, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop = True
        for s in self.sockets:
            s.close()


def honest_are_served(names, rounds=3, pause=0.2):
    for _ in range(rounds):
        for name in names:
            took = HONEST[name]()
            check(took < LIMIT, f"{name} took {took:.1f} s")
        time.sleep(pause)


@case
def an_installation():
    LAB.up("--test")
    _, text, _ = ask("rpcUrl", "GET", f"/421614/workerpools/{LAB.config['workerpool']}")
    LAB.config["schedulerUrl"] = json.loads(text)["apiUrl"]
    honest_are_served(HONEST, rounds=1)


@case
def uploads_that_hardly_send():
    head = (b"POST /api/v0/add HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: multipart/form-data; boundary=%s\r\n"
            b"Content-Length: 10000000\r\n\r\n")
    host, port = place("rpcUrl")
    head %= (host.encode(), port, BOUNDARY.encode())
    with Attack() as a:
        for _ in range(60):
            a.dial("rpcUrl", head + PART + b"x" * 66_000)  # enough for a reader of its own
        a.trickle(b"x", 1)
        honest_are_served(["upload", "rpc", "list", "upload"])


@case
def heads_that_never_end():
    for name in ("smsUrl", "rpcUrl", "schedulerUrl"):
        with Attack() as a:
            for i in range(1100):
                a.dial(name, b"GET /up HTTP/1.1\r\nHost: x\r\nX" if i % 2 else b"")
            a.trickle(b"y", 1)
            honest_are_served({"smsUrl": ["sms", "sms info"], "rpcUrl": ["rpc", "list", "upload"],
                               "schedulerUrl": ["scheduler"]}[name])


@case
def answers_that_nobody_waits_for():
    """Held requests: each waits for a block that does not come."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "iapp_waitBlock", "params": ["0xffffff"]})
    host, port = place("rpcUrl")
    with Attack() as a:
        for _ in range(1100):
            a.dial("rpcUrl", (f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
                              f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        honest_are_served(["rpc", "list", "upload"])


@case
def bodies_that_never_end():
    host, port = place("rpcUrl")
    with Attack() as a:
        for _ in range(300):
            a.dial("rpcUrl", (f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 16000000\r\n\r\n"
                              + "[" * 1000).encode())
        a.trickle(b"[", 1)
        honest_are_served(["rpc", "list", "graph"])


@case
def one_batch_of_many_reads():
    one = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs",
           "params": [{"fromBlock": "0x0", "toBlock": "latest"}]}
    body = json.dumps([one] * 1000)
    with Attack() as a:
        host, port = place("rpcUrl")
        for _ in range(20):
            a.dial("rpcUrl", (f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
                              f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        honest_are_served(["rpc", "list", "logs", "upload"], rounds=4)


@case
def log_ins_of_others_stay_good():
    me = eth.Account(0x51e6e)
    for name, path in (("rpcUrl", "/challenge?chainId=421614&address="),
                       ("schedulerUrl", "/tasks/logs/challenge?address=")):
        status, text, _ = ask(name, "GET", path + me.address)
        equal(status, 200, "a challenge")
        c = http.client.HTTPConnection(*place(name), timeout=60)
        # more than a table of either had room for
        for i in range(60 if name == "rpcUrl" else 1100):
            who = me.address if i < 50 else "0x" + f"{i:040x}"
            c.request("GET", path + who)
            answer = c.getresponse()
            answer.read()
            equal(answer.status, 200, "one of many")
        c.close()
        data = json.loads(text)
        data = data.get("data", data)
        digest = typed(data["domain"], data["message"]["challenge"])
        parity, r, s = me.sign(digest)
        token = f"0x{digest.hex()}_0x{r:064x}{s:064x}{27 + parity:02x}_{me.address}"
        if name == "rpcUrl":
            status, text, _ = ask(name, "POST", "/apporders?chainId=421614", "{}", {
                "Authorization": token, "Content-Type": "application/json"})
            check(status == 400, f"past the log-in: {status} {text}")
        else:
            status, text, _ = ask(name, "GET", f"/tasks/0x{'1' * 64}/logs", None, {"Authorization": token})
            check(status == 404, f"past the log-in: {status} {text}")


@case
def it_stops():
    equal(LAB.stop(), 0, "exit status")


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        LAB.close()
