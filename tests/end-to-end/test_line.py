#!/usr/bin/env python3
"""A line of app versions: data granted to it once may be used by the versions in it, on the market,
on the ledger and at the SMS, and by no other."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

IAPP = os.path.join(os.environ["IA_BUILD"], "iapp")
TOP = tempfile.mkdtemp(prefix="iapp-line-")
HOME = os.path.join(TOP, "home")
PROJECT = os.path.join(TOP, "app")
APP = """#include <stdio.h>
int main(void)
{
  FILE *out = fopen("/iexec_out/r.txt", "w");
  return !out || fputs("version VERSION\\n", out) < 0 || fclose(out) != 0;
}
"""


class World:
    up = None


def variables():
    env = {k: v for k, v in os.environ.items() if not k.startswith("IAPP_")}
    env.update(HOME=TOP, IAPP_HOME=HOME, IAPP_PASSWORD_FILE=os.path.join(TOP, "password"))
    return env


def iapp(*args, wallet=None, status=0, cwd=TOP):
    who = ["--wallet", wallet] if wallet else []
    done = subprocess.run([IAPP, *args, *who, "--json", "--yes"], timeout=120, capture_output=True,
                          stdin=subprocess.DEVNULL, env=variables(), check=False, cwd=cwd)
    equal(done.returncode, status, f"{args}: {done.stdout} {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def refused(code, *args, wallet=None):
    answer = iapp(*args, wallet=wallet, status=1)
    equal(answer["error"]["code"], code, f"{args}: {answer}")


def deploy(version):
    with open(os.path.join(PROJECT, "src/app.c"), "w", encoding="utf-8") as f:
        f.write(APP.replace("VERSION", version))
    address = iapp("deploy", wallet=World.developer, cwd=PROJECT)["address"]
    iapp("publish", address, wallet=World.developer)
    return address


def runs(app, *data):
    run = iapp("run", app, "--data", ",".join(data), wallet=World.user)
    equal(run["tasks"][0]["status"], "COMPLETED", str(run))
    verdict = iapp("verify", os.path.join(TOP, run["tasks"][0]["receiptPath"]))
    equal(verdict["verdict"], "proven", str(verdict))
    said = [x for x in verdict["notProven"] if "whitelist:" + World.line.lower() in x]
    equal(len(said), 1, "the membership is named as the ledger's word")


@case
def everything_starts():
    with open(os.path.join(TOP, "password"), "w", encoding="utf-8") as f:
        f.write("correct horse battery\n")
        os.fchmod(f.fileno(), 0o600)
    World.log = open(os.path.join(TOP, "up.log"), "wb")
    World.up = subprocess.Popen([IAPP, "up", "--port", "0", "--test", "--json"], env=variables(),
                                stdout=subprocess.PIPE, stderr=World.log,
                                stdin=subprocess.DEVNULL)
    check("rpcUrl" in json.loads(World.up.stdout.readline()), "ready")
    World.developer, World.owner, World.user = (iapp("wallet", "new")["address"] for _ in range(3))
    iapp("init", "app", "--lang", "c")
    World.first, World.second = deploy("1"), deploy("2")


@case
def a_line_is_made_and_edited_by_its_owner():
    made = iapp("app", "line", "new", World.first, wallet=World.developer)
    World.line = made["line"]
    equal([a.lower() for a in made["apps"]], [World.first.lower()], "its first app")
    refused("FORBIDDEN", "app", "line", "add", World.line, World.second, wallet=World.user)
    refused("EXISTS", "app", "line", "add", World.line, World.first, wallet=World.developer)
    refused("NOT_FOUND", "app", "line", "remove", World.line, World.second, wallet=World.developer)
    refused("NOT_FOUND", "app", "line", "add", World.line, World.user, wallet=World.developer)
    refused("NOT_FOUND", "app", "line", "show", World.first)


@case
def a_grant_to_the_line_is_one_to_its_apps():
    World.data = iapp("protect", "text=hello", wallet=World.owner)["address"]
    refused("NOT_FOUND", "grant", World.data, World.user, World.user, wallet=World.owner)
    iapp("grant", World.data, World.line, World.user, "--times", "5", wallet=World.owner)
    runs(World.first, World.data)
    refused("GRANT_MISSING", "run", World.second, "--data", World.data, wallet=World.user)


@case
def a_new_version_needs_no_new_grant():
    iapp("app", "line", "add", World.line, World.second, wallet=World.developer)
    runs(World.second, World.data)
    iapp("app", "line", "remove", World.line, World.first, wallet=World.developer)
    refused("GRANT_MISSING", "run", World.first, "--data", World.data, wallet=World.user)
    shown = iapp("app", "line", "show", World.line)
    equal([a.lower() for a in shown["apps"]], [World.second.lower()], "apps")
    equal(shown["owner"].lower(), World.developer.lower(), "owner")


@case
def so_it_is_in_bulk():
    more = iapp("protect", "text=more", wallet=World.owner)["address"]
    for data in (World.data, more):
        iapp("grant", data, World.line, World.user, "--bulk", "--add", "1", wallet=World.owner)
    runs(World.second, World.data, more)
    refused("GRANT_MISSING", "run", World.first, "--data", f"{World.data},{more}",
            wallet=World.user)


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        if World.up:
            World.up.terminate()
            World.up.communicate(timeout=60)
        shutil.rmtree(TOP, ignore_errors=True)
