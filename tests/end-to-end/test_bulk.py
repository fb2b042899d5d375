#!/usr/bin/env python3
"""Many data in one run: a slice of a hundred datasets of a hundred owners in one task; slices of
several tasks, a dataset that its owner's policy closes, and what is said of it everywhere."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

BUILD = os.environ["IA_BUILD"]
IAPP = os.path.join(BUILD, "iapp")
OWNERS = os.path.join(BUILD, "tests/end-to-end/owners")
TOP = tempfile.mkdtemp(prefix="iapp-bulk-")
HOME = os.path.join(TOP, "home")
PROJECT = os.path.join(TOP, "app")
APP = """#include <stdio.h>
#include <stdlib.h>

int main(void)
{
  const char *size = getenv("IEXEC_BULK_SLICE_SIZE");
  FILE *out = fopen("/iexec_out/r.txt", "w");

  if (!out || !size) return 1;
  for (int i = 1; i <= atoi(size); i++) {
    char name[64], text[64] = "";
    snprintf(name, sizeof(name), "IEXEC_DATASET_%d_REFUSED", i);
    const char *refused = getenv(name);
    snprintf(name, sizeof(name), "IEXEC_DATASET_%d_FAILED", i);
    if (!refused) refused = getenv(name);
    snprintf(name, sizeof(name), "/iexec_in/protected/%d/name", i);
    FILE *in = fopen(name, "r");
    if (in && !fgets(text, sizeof(text), in)) return 2;
    if (in) fclose(in);
    fprintf(out, "%d:%s:%s\\n", i, refused ? refused : "", text);
  }
  return fclose(out) != 0;
}
"""


class World:
    up = config = app = user = None


def variables():
    env = {k: v for k, v in os.environ.items() if not k.startswith("IAPP_")}
    env.update(HOME=TOP, IAPP_HOME=HOME, IAPP_PASSWORD_FILE=os.path.join(TOP, "password"))
    return env


def iapp(*args, status=0, wallet=None, cwd=TOP):
    who = ["--wallet", wallet] if wallet else []
    done = subprocess.run([IAPP, *args, *who, "--json", "--yes"], timeout=240, capture_output=True,
                          stdin=subprocess.DEVNULL, env=variables(), check=False, cwd=cwd)
    if status is not None:
        equal(done.returncode, status, f"{args}: {done.stdout} {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def sms_key():
    with urllib.request.urlopen(World.config["smsUrl"] + "/info", timeout=30) as answer:
        return json.loads(json.load(answer)["text"])["smsKey"]


def lines_of(task):
    with open(os.path.join(TOP, task["resultPath"], "r.txt"), encoding="utf-8") as f:
        return [line.rstrip("\n").split(":") for line in f]


def verified(task):
    verdict = iapp("verify", os.path.join(TOP, task["receiptPath"]))
    equal(verdict["verdict"], "proven", str(verdict))
    return verdict


@case
def everything_starts():
    with open(os.path.join(TOP, "password"), "w", encoding="utf-8") as f:
        f.write("correct horse battery\n")
        os.fchmod(f.fileno(), 0o600)
    World.log = open(os.path.join(TOP, "up.log"), "wb")
    World.up = subprocess.Popen([IAPP, "up", "--port", "0", "--test", "--json"], env=variables(),
                                stdout=subprocess.PIPE, stderr=World.log,
                                stdin=subprocess.DEVNULL)
    World.config = json.loads(World.up.stdout.readline())
    check("rpcUrl" in World.config, f"ready: {World.config}")
    World.user = iapp("wallet", "new")["address"]
    World.owner = iapp("wallet", "new")["address"]
    iapp("init", "app", "--lang", "c", "--with", "bulk")
    with open(os.path.join(PROJECT, "src/app.c"), "w", encoding="utf-8") as f:
        f.write(APP)
    World.app = iapp("deploy", wallet=World.user, cwd=PROJECT)["address"]


def owners(*args):
    c = World.config
    made = subprocess.run(
        [OWNERS, c["rpcUrl"], c["marketUrl"], c["smsUrl"], c["ipfsNodeUrl"], str(c["chainId"]),
         c["hubAddress"], c["dataprotectorContractAddress"], sms_key(), os.path.join(TOP, "work"),
         World.app, *args],
        capture_output=True, timeout=200, check=False)
    equal(made.returncode, 0, made.stderr.decode())
    return made.stdout.decode()


@case
def a_hundred_owners_in_one_task():
    data = owners(World.user, "100").split()
    equal(len(set(data)), 100, "datasets")
    with open(os.path.join(TOP, "list.txt"), "w", encoding="utf-8") as f:
        f.write("# one a line\n" + "\n".join(data) + "\n")
    run = iapp("run", World.app, "--data", "@list.txt", wallet=World.user)
    equal(len(run["tasks"]), 1, "tasks")
    task = run["tasks"][0]
    equal(task["status"], "COMPLETED", str(task))
    equal([(d["dataset"].lower(), d["state"]) for d in task["data"]],
          [(d.lower(), "processed") for d in data], "data -> state")
    equal(lines_of(task), [[str(i), "", f"owner {i}"] for i in range(1, 101)], "what the app read")
    verdict = verified(task)
    signed = [x for x in verdict["checks"] if x["name"] == "sign-slice"]
    equal((len(signed), all(x["ok"] for x in signed)), (100, True), "orders by their owners")


def protect(name, *limits):
    address = iapp("protect", f"name={name}", "--name", name, wallet=World.owner)["address"]
    iapp("grant", address, World.app, World.user, "--bulk", *limits, wallet=World.owner)
    return address


@case
def a_refused_dataset_is_told_and_stops_nobody():
    World.data = [protect("one"), protect("two", "--purpose", "research"), protect("three")]
    run = iapp("run", World.app, "--data", ",".join(World.data), "--per-task", "2",
               wallet=World.user)
    equal([t["status"] for t in run["tasks"]], ["COMPLETED"] * 2, str(run))
    first, second = run["tasks"]
    equal([(d["dataset"].lower(), d["state"], d.get("code")) for t in run["tasks"]
           for d in t["data"]],
          [(World.data[0].lower(), "processed", None),
           (World.data[1].lower(), "refused", "POLICY_PURPOSE"),
           (World.data[2].lower(), "processed", None)], "the table")
    equal(lines_of(first), [["1", "", "one"], ["2", "POLICY_PURPOSE", ""]], "the first slice")
    equal(lines_of(second), [["1", "", "three"]], "the second slice")
    seen = iapp("task", first["taskId"])
    equal([(r["index"], r["address"].lower(), r["code"], r["reason"])
           for r in seen["iapp"]["refused"]],
          [(2, World.data[1].lower(), "POLICY_PURPOSE", "refused by the terms of the grant")], "task")
    notes = [x["text"] for x in verified(first)["checks"] if x["name"] == "refused"]
    check(len(notes) == 1 and "POLICY_PURPOSE" in notes[0], f"the receipt says it: {notes}")
    verified(second)
    why = iapp("why", first["taskId"], wallet=World.user, status=1)  # it has ended
    check(why["past"], str(why))
    log = iapp("audit", World.data[1], wallet=World.owner)["entries"]
    equal([(x["verdict"], x["code"]) for x in log if x["verdict"] != "message"],
          [("refuse", "POLICY_PURPOSE")], "its owner reads")
    log = iapp("audit", World.data[0], wallet=World.owner)["entries"]
    equal([x["verdict"] for x in log], ["release"], "so does she whose key left")


def stored(data):
    """The file of the blob store that holds the dataset."""
    for folder, _, names in os.walk(os.path.join(HOME, "front", "blobs")):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as f:
                if "0x" + hashlib.sha256(f.read()).hexdigest() == data["checksum"]:
                    return path
    raise AssertionError(f"{data} is not stored")


@case
def a_bad_dataset_is_told_and_stops_nobody():
    bad = iapp("protect", "name=gone", wallet=World.owner)
    iapp("grant", bad["address"], World.app, World.user, "--bulk", wallet=World.owner)
    path = stored(bad)
    os.rename(path, path + ".away")
    run = iapp("run", World.app, "--data", f"{World.data[0]},{bad['address']},{World.data[2]}",
               wallet=World.user)
    task, = run["tasks"]
    states = [(d["state"], d.get("code")) for d in task["data"]]
    code = states[1][1]
    check(code in ("NOT_FOUND", "UNAVAILABLE"), str(run))
    equal((task["status"], states), ("COMPLETED", [("processed", None), ("failed", code),
                                                   ("processed", None)]), "the table")
    equal(lines_of(task), [["1", "", "one"], ["2", code, ""], ["3", "", "three"]], "what the app saw")
    seen = iapp("task", task["taskId"])
    equal([(f["index"], f["dataset"].lower(), f["code"]) for f in seen["iapp"]["failed"]],
          [(2, bad["address"].lower(), code)], "task")
    notes = [x["text"] for x in verified(task)["checks"] if x["name"] == "failed"]
    check(len(notes) == 1 and code in notes[0], f"the receipt says it: {notes}")
    # alone it keeps the task waiting, by its own name: the file may come back before the deadline
    run = iapp("run", World.app, "--data", bad["address"], "--per-task", "1", "--no-wait",
               wallet=World.user)
    until = time.monotonic() + 120
    while True:
        waits = iapp("task", run["taskIds"][0])["iapp"].get("waitsFor") or {}
        if waits.get("why") == "RETRY" or time.monotonic() > until:
            break
        time.sleep(0.2)
    equal(waits.get("cause"), "PRE_COMPUTE_DATASET_DOWNLOAD_FAILED", str(waits))
    check("protected data" in waits["message"] and waits["message"] in waits["text"], str(waits))
    os.rename(path + ".away", path)
    # the app has it then; this one reads lists only, which is its own fault
    done = iapp("task", run["taskIds"][0], "--follow", status=4)
    causes = [a["cause"] for a in done["iapp"]["attempts"]]
    equal((set(causes[:-1]), causes[-1]),
          ({"PRE_COMPUTE_DATASET_DOWNLOAD_FAILED"}, "APP_COMPUTE_FAILED"), "attempts")


@case
def with_the_purpose_all_pass():
    run = iapp("run", World.app, "--data", ",".join(World.data), "--purpose", "research",
               wallet=World.user)
    equal([d["state"] for d in run["tasks"][0]["data"]], ["processed"] * 3, str(run))
    verified(run["tasks"][0])


@case
def runs_in_bulk_count():
    once = protect("five", "--runs", "1")
    for state, code in (("processed", None), ("refused", "POLICY_BUDGET")):
        run = iapp("run", World.app, "--data", f"{once},{World.data[0]}", wallet=World.user)
        row = run["tasks"][0]["data"][0]
        equal((row["state"], row.get("code")), (state, code), "the owner's budget")
    why = iapp("why", World.app, "--data", f"{once},{World.data[0]}", wallet=World.user)
    equal([(r["index"], r["code"]) for r in why["refused"]], [(1, "POLICY_BUDGET")], str(why))


def upload(value):
    body = (b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
            b'Content-Type: application/octet-stream\r\n\r\n' +
            json.dumps(value).encode() + b"\r\n--x--\r\n")
    ask = urllib.request.Request(World.config["ipfsNodeUrl"] + "/api/v0/add", body,
                                 {"content-type": "multipart/form-data; boundary=x"})
    with urllib.request.urlopen(ask, timeout=30) as answer:
        return json.loads(answer.read().splitlines()[-1])["Hash"]


def requested(root):
    run = json.loads(owners("params", json.dumps({"bulk_cid": root})))
    task_id = run["taskIds"][0]
    task = iapp("task", task_id, "--follow", status=None)
    until = time.monotonic() + 60
    while task["status"] == "COMPLETED" and not task["iapp"]["receipt"] and time.monotonic() < until:
        time.sleep(0.05)  # the worker's report comes after the ledger's word
        task = iapp("task", task_id)
    return task, task_id


@case
def entries_that_are_none_refuse_themselves():
    """What no client of ours would upload: the worker's hints, the SMS and the guest must agree on what
    the slice is, or nothing would run at all."""
    data = iapp("protect", "name=six", wallet=World.owner)["address"]
    iapp("grant", data, World.app, "any", "--bulk", wallet=World.owner)
    with urllib.request.urlopen(f"{World.config['marketUrl']}/datasetorders?chainId="
                                f"{World.config['chainId']}&dataset={data}&app={World.app}",
                                timeout=30) as answer:
        order = json.load(answer)["orders"][0]["order"]
    nowhere = dict(order, dataset="0x" + "11" * 20)
    priced = dict(order, datasetprice=5)
    slice_ = [order, {"junk": 1}, nowhere, 7, order, priced]
    task, task_id = requested(upload([upload(slice_)]))
    equal(task["status"], "COMPLETED", str(task["iapp"]))
    check("refused" in task["iapp"], str(task))
    equal([(r["index"], r["code"]) for r in task["iapp"]["refused"]],
          [(2, "PARSE"), (3, "ASSET_MISMATCH"), (4, "PARSE"), (5, "EXISTS"), (6, "EXISTS")],
          str(task["iapp"]["refused"]))
    with open(os.path.join(HOME, "ready.json"), encoding="utf-8") as f:
        port = json.load(f)["schedulerPort"]
    path = os.path.join(TOP, "odd.json")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/tasks/{task_id}/receipt",
                                timeout=30) as answer, open(path, "wb") as f:
        f.write(answer.read())
    equal(iapp("verify", path)["verdict"], "proven", "its receipt")
    task, _ = requested(upload([upload([priced])]))
    equal((task["currentStatus"], task["iapp"]["cause"]),
          ("RUNNING_FAILED", "TEE_SESSION_GENERATION_DEAL_MISMATCH"), "a price is no grant for bulk")
    task, _ = requested(upload([upload({"no": "list"})]))
    equal((task["currentStatus"], task["iapp"]["cause"]),
          ("RUNNING_FAILED", "TEE_SESSION_GENERATION_PARAMS_INVALID"), "no slice at all")


@case
def nothing_is_left_out_without_a_word():
    alone = iapp("protect", "name=four", wallet=World.owner)["address"]
    answer = iapp("run", World.app, "--data", f"{World.data[0]},{alone}", wallet=World.user,
                  status=1)
    equal(answer["error"]["code"], "GRANT_MISSING", str(answer))
    check(alone.lower() in answer["error"]["message"].lower(), str(answer))
    # a slice of which nothing may be used is not run
    answer = iapp("run", World.app, "--data", f"{World.data[1]},{World.data[0]}", "--per-task", "1",
                  wallet=World.user, status=1)
    equal(answer["error"]["code"], "POLICY_PURPOSE", "said before anything is paid")
    run = iapp("run", World.app, "--data", f"{World.data[1]},{World.data[0]}", "--per-task", "1",
               "--no-check", wallet=World.user, status=1)
    equal([t["status"] for t in run["tasks"]], ["FAILED", "COMPLETED"], str(run))
    equal(run["tasks"][0]["cause"], "TEE_SESSION_GENERATION_POLICY_PURPOSE", str(run["tasks"][0]))


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        if World.up:
            World.up.terminate()
            World.up.communicate(timeout=60)
        shutil.rmtree(TOP, ignore_errors=True)
