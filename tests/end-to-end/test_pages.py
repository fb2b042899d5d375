#!/usr/bin/env python3
"""What a page of elsewhere makes a browser send to the services of this machine: every route of every
role bears its mark, and only what everybody may know answers."""
import glob
import http.client
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("pages")
SERVICES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/service")
PAGE = "https://page.example"
LISTED = "https://listed.example"
DEVELOPED = "http://localhost:5173"
ROW = re.compile(r'\{[\s\\]*"([A-Z]+)",\s*"(/[^"]*)"((?:\s*name(?:\s*"[^"]*")?)?),\s*IA_ROUTE_[^{}]*?'
                 r'IA_MARK_([A-Z]+)\s*\\?\s*\}', re.S)

# a table of each: where it listens, and its routes with their marks
ROUTES = {
    ("ledger", "rpcUrl"): {"POST /": "PUBLIC",
                           "GET /nfts-metadata/:kind/:chain/:token": "PUBLIC"},
    ("market", "rpcUrl"): {
        "GET /ORDERS": "PUBLIC", "GET /ORDERS/:hash": "PUBLIC", "POST /ORDERS": "COSTLY",
        "PUT /ORDERS": "COSTLY", "GET /version": "PUBLIC", "GET /docs": "PUBLIC",
        "GET /challenge": "PUBLIC", "GET /metrics": "PUBLIC", "GET /ohlc": "PUBLIC",
        "GET /events": "PUBLIC", "GET /deals": "PUBLIC", "GET /deals/:dealid": "PUBLIC",
        "GET /categories": "PUBLIC", "GET /categories/:id": "PUBLIC"},
    ("ipfs", "rpcUrl"): {
        "POST /api/v0/add": "COSTLY", "POST /api/v0/cat": "PRIVATE", "POST /api/v0/version": "PUBLIC",
        "POST /api/v0/block/stat": "PRIVATE", "POST /api/v0/pin/add": "PRIVATE",
        "POST /api/v0/pin/ls": "PRIVATE", "POST /api/v0/*command": "PUBLIC",
        "HEAD /ipfs/:cid": "PRIVATE", "GET /ipfs/:cid": "PRIVATE", "GET /ipfs/:cid/*path": "PUBLIC"},
    ("graph", "rpcUrl"): {
        "POST /graphql/dataprotector": "PUBLIC", "POST /graphql/poco": "PUBLIC",
        "GET /graphql/dataprotector": "PUBLIC", "GET /graphql/poco": "PUBLIC"},
    ("compass", "rpcUrl"): {
        "GET /:chain/workerpools/:address": "PUBLIC", "GET /:chain/iapps/:name": "PUBLIC"},
    ("sms", "smsUrl"): {
        "HEAD /secrets/web3": "PRIVATE", "POST /secrets/web3": "COSTLY", "HEAD /secrets/web2": "PRIVATE",
        "POST /secrets/web2": "COSTLY", "PUT /secrets/web2": "COSTLY",
        "HEAD /apps/:app/secrets": "PRIVATE", "POST /apps/:app/secrets": "COSTLY",
        "HEAD /requesters/:requester/secrets/:key": "PRIVATE",
        "POST /requesters/:requester/secrets/:key": "COSTLY",
        "GET /tee/framework": "PUBLIC", "GET /tee/properties/:framework/:version": "PUBLIC",
        "GET /tee/properties/:framework": "PUBLIC", "GET /info": "PUBLIC", "GET /up": "PUBLIC",
        "GET /version": "PUBLIC", "GET /metrics": "PRIVATE", "GET /actuator/health": "PUBLIC",
        "POST /attest/v1/challenge": "COSTLY", "POST /attest/v1/release": "COSTLY",
        "POST /attest/v1/ended": "COSTLY",
        "POST /push/v1/challenge": "COSTLY", "POST /push/v1/secret": "COSTLY",
        "POST /owner/v1/messages": "COSTLY", "GET /owner/v1/log": "PRIVATE",
        "GET /owner/v1/version": "PRIVATE", "GET /owner/v1/limits": "PRIVATE",
        "POST /owner/v1/test": "PRIVATE", "POST /why/v1": "PRIVATE"},
    ("scheduler", "schedulerUrl"): {
        "POST /worker/v1/hello": "COSTLY", "POST /worker/v1/poll": "COSTLY",
        "POST /worker/v1/heartbeat": "COSTLY", "POST /worker/v1/authorize": "COSTLY",
        "POST /worker/v1/done": "COSTLY", "POST /worker/v1/failed": "COSTLY",
        "POST /worker/v1/return": "COSTLY", "GET /pool": "PUBLIC", "GET /workers": "PUBLIC",
        "GET /tasks/logs/challenge": "PUBLIC", "GET /tasks/:id": "PUBLIC",
        "GET /tasks/:id/receipt": "PUBLIC", "GET /tasks/:id/logs": "PRIVATE",
        "GET /tasks/:id/replicates/:worker": "PUBLIC",
        "GET /tasks/:id/replicates/:worker/logs": "PRIVATE", "GET /version": "PUBLIC",
        "GET /tasks/:id/wait": "PUBLIC"},
}


def ask(url, method, path, headers=None, body=None):
    host = url.split("//")[1].rstrip("/")
    c = http.client.HTTPConnection(host, timeout=60)
    c.request(method, path, body, headers or {})
    answer = c.getresponse()
    text = answer.read()
    c.close()
    return answer.status, answer.headers.get("Access-Control-Allow-Origin"), text


def rpc(method, *params, headers=None):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    status, _, text = ask(LAB.config["rpcUrl"], "POST", "/", {"Content-Type": "application/json",
                                                            **(headers or {})}, body)
    equal(status, 200, method)
    return json.loads(text)


@case
def every_route_of_every_role_has_its_mark():
    for (service, _), routes in ROUTES.items():
        found = {}
        for name in glob.glob(os.path.join(SERVICES, service, "*.c")):
            with open(name, encoding="utf-8") as f:
                text = f.read()
            rows = ROW.findall(text)
            equal(len(rows), len(re.findall(r"IA_ROUTE_(?:JOB|INLINE),", text)), f"rows of {name}")
            for method, path, collection, mark in rows:
                tail = re.sub(r'[\s"]|name', "", collection)
                found[f"{method} {path + ('ORDERS' + tail if collection else '')}"] = mark
        equal(found, routes, f"marks of {service}")


@case
def an_installation():
    LAB.up("--test", "--allow-origin", LISTED, "--allow-origin", "https://other.example")
    status, _, text = ask(LAB.config["rpcUrl"], "GET", f"/421614/workerpools/{LAB.config['workerpool']}")
    equal(status, 200, "compass")
    LAB.config["schedulerUrl"] = json.loads(text)["apiUrl"]


def real(path):
    return re.sub(r"[:*]\w+", "a", path.replace("ORDERS", "datasetorders"))


@case
def pages_of_elsewhere_get_what_is_public():
    for (_, where), routes in ROUTES.items():
        for route, mark in routes.items():
            method, path = route.split()
            if path.endswith("/wait"):
                continue
            for caller in ({"Origin": PAGE}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                           {"Referer": PAGE + "/x"}):
                body = "{}" if method in ("POST", "PUT") and "api/v0" not in path else None
                status, allowed, _ = ask(LAB.config[where], method, real(path), {
                    **caller, "Content-Type": "application/json"}, body)
                if mark == "PUBLIC":
                    check(status != 403, f"{route}: {status}")
                else:
                    equal((status, allowed), (403, None), f"{route} of {caller}")
                if body and mark == "PUBLIC":
                    status, _, _ = ask(LAB.config[where], method, real(path), {
                        **caller, "Content-Type": "text/plain"}, body)
                    equal(status, 403, f"{route} as text of {caller}")


@case
def listed_pages_and_pages_under_development_get_more():
    for origin in (LISTED, DEVELOPED):
        for (service, where), routes in ROUTES.items():
            for route, mark in routes.items():
                method, path = route.split()
                if path.endswith("/wait") or service == "scheduler" and "worker/" in path:
                    continue
                status, allowed, text = ask(LAB.config[where], method, real(path), {
                    "Origin": origin, "Content-Type": "application/json"},
                    "{}" if method in ("POST", "PUT") and "api/v0" not in path else None)
                check(b"of this origin" not in text, f"{route} of {origin}: {status} {text}")
                check(allowed in (None, "*", origin), f"{route} of {origin}: {allowed}")


@case
def the_clock_and_the_blocks_are_no_page_s():
    before = rpc("eth_getBlockByNumber", "latest", False)["result"]
    snapshot = rpc("evm_snapshot")["result"]
    for headers in ({"Origin": PAGE}, {"Origin": LISTED}, {"Origin": "null"}):
        for method, params in (("evm_increaseTime", [1000]), ("evm_mine", []), ("evm_snapshot", []),
                               ("evm_revert", [snapshot]), ("evm_setNextBlockTimestamp", [1 << 39])):
            check("error" in rpc(method, *params, headers=headers), f"{method} of {headers}")
    status, _, _ = ask(LAB.config["rpcUrl"], "POST", "/", {"Origin": PAGE, "Content-Type": "text/plain"},
                       json.dumps({"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []}))
    equal(status, 403, "as text")
    equal(rpc("eth_getBlockByNumber", "latest", False)["result"], before, "the head")
    # in a batch, too; and reads go on
    status, allowed, text = ask(
        LAB.config["rpcUrl"], "POST", "/", {"Origin": PAGE, "Content-Type": "application/json"},
        json.dumps([{"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []},
                    {"jsonrpc": "2.0", "id": 2, "method": "evm_mine", "params": []}]))
    one, two = json.loads(text)
    equal((status, allowed), (200, "*"), "a batch")
    equal(one["result"], before["number"], "a read")
    check("error" in two, "a test method")
    # who develops a page on this machine drives its test
    check("result" in rpc("evm_increaseTime", 1, headers={"Origin": DEVELOPED}), "of a local page")
    check("result" in rpc("evm_mine"), "of a program")


@case
def the_faucet_is_no_page_s():
    token = LAB.rpc("iapp_info")["token"]
    call = {"to": token, "data": "0x57915897" + "0" * 63 + "1", "from": "0x" + "11" * 20}
    check("result" in rpc("eth_call", call, "latest"), "of a program")
    check("error" in rpc("eth_call", call, "latest", headers={"Origin": PAGE}), "of a page")


@case
def a_name_that_was_pointed_here_is_none_of_ours():
    for where in ("rpcUrl", "smsUrl", "schedulerUrl"):
        port = LAB.config[where].rstrip("/").rsplit(":", 1)[1]
        for host, status in ((f"rebound.example:{port}", 403), (f"127.0.0.1.nip.io:{port}", 403),
                             ("localhost:1", 200), (f"localhost:{port}", 200)):
            equal(ask(LAB.config[where], "GET", "/version", {"Host": host})[0], status, host)


@case
def it_stops():
    equal(LAB.stop(), 0, "exit status")


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        LAB.close()
