#!/usr/bin/env python3
"""What a person and an operator read of the key service: SIMULATED everywhere, one domain for life,
no route that hands out keys without attestation, and the operator's two commands."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

BUILD = os.environ["IA_BUILD"]
IAPP, IAPPD = os.path.join(BUILD, "iapp"), os.path.join(BUILD, "iappd")
TOP = tempfile.mkdtemp(prefix="iapp-trust-")
KEYS, PASSWORD = os.path.join(TOP, "keystore"), os.path.join(TOP, "password")
running = []


class Run:
    """What the cases share."""


def env(home):
    return dict(os.environ, IAPP_HOME=home, IAPP_PASSWORD_FILE=PASSWORD)


def do(home, *command):
    return subprocess.run(command, env=env(home), cwd=TOP, capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL, check=False)


def iapp(home, *args, wallet=None):
    more = ["--keystore", KEYS, "--wallet", wallet] if wallet else []
    return do(home, IAPP, *args, *more)


def up(name, *options):
    """Starts an installation; its ready line and the process."""
    home, log = os.path.join(TOP, name), open(os.path.join(TOP, name + ".log"), "w+b")
    p = subprocess.Popen([*(options or (IAPP, "up")), "--port", "0", "--test", "--json"],
                         env=env(home), stdout=subprocess.PIPE, stderr=log,
                         stdin=subprocess.DEVNULL)
    running.append(p)
    line = p.stdout.readline()
    log.seek(0)
    return home, p, json.loads(line) if line else {}, log


def down(p):
    p.terminate()
    return p.wait(timeout=60)


def status(url, method="GET", body=None):
    request = urllib.request.Request(url, method=method, data=body)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


@case
def an_installation_says_what_it_is():
    with open(PASSWORD, "w", encoding="ascii") as f:
        f.write("correct horse\n")
        os.fchmod(f.fileno(), 0o600)
    Run.home, Run.p, Run.config, log = up("sim")
    check("smsUrl" in Run.config, f"ready: {Run.config}")
    check(b"SIMULATED" in log.read(), "SIMULATED on stderr beside --json")
    got = json.loads(status(Run.config["smsUrl"] + "/up")[1])
    equal((got["domain"], got["simulated"], got["remoteSimulation"]), ("sim", True, False), "/up")


@case
def whoever_reads_sees_simulated():
    owner = json.loads(iapp(Run.home, "wallet", "new", "--keystore", KEYS, "--json").stdout)
    Run.owner = owner["address"]
    for args in (("protect", "a=b"), ("audit",), ("config", "sdk"), ("doctor",)):
        done = iapp(Run.home, *args, wallet=None if args[0] in ("config", "doctor") else Run.owner)
        check("SIMULATED" in done.stdout + done.stderr, f"{args}: {done.stdout}{done.stderr}")


@case
def no_key_leaves_without_attestation():
    sms, zero = Run.config["smsUrl"], "0x" + "00" * 32
    for method, path in (("POST", f"/tee/challenges/{zero}"), ("POST", "/tee/sessions"),
                         ("POST", "/admin/backup"), ("POST", "/admin/x/replicate-backup"),
                         ("POST", "/admin/x/restore-backup"), ("POST", "/admin/x/copy-to/y"),
                         ("DELETE", "/admin/x/delete-backup")):
        equal(status(sms + path, method, b"{}" if method == "POST" else None)[0], 404, path)
    equal(status(sms + "/tee/framework"), (200, b'"TDX"'), "framework")


@case
def the_operator_confirms_and_enrols():
    done = do(Run.home, IAPPD, "sms", "confirm-ledger")
    equal((done.returncode, "releases go on" in done.stdout), (0, True), done.stderr)
    root = os.path.join(Run.home, "worker", "sim-root.pem")
    done = do(Run.home, IAPPD, "sms", "trust-sim", root)
    equal((done.returncode, "SIMULATED" in done.stdout), (0, True), done.stdout + done.stderr)
    equal(do(Run.home, IAPPD, "sms", "trust-sim", PASSWORD).returncode != 0, True, "no certificate")
    elsewhere = os.path.join(TOP, "nowhere")
    equal(do(elsewhere, IAPPD, "sms", "confirm-ledger").returncode != 0, True, "no store there")
    equal(down(Run.p), 0, "exit status")


@case
def a_store_keeps_its_domain():
    for options, words in ((("--role", "ledger,market,ipfs,sms"), "made for another domain"),
                           ((), "serves no simulated pool")):
        _, p, config, _ = up("sim", IAPPD, "run", "--domain", "hw", *options)
        check(p.wait(timeout=60) != 0, "ends")
        equal(config["error"]["code"], "DOMAIN_MISMATCH", "code")
        check(words in config["error"]["message"], f"says why: {config}")


@case
def a_hardware_domain_keeps_secrets_and_says_that_it_releases_none():
    home, p, config, log = up("hw", IAPPD, "run", "--domain", "hw", "--role",
                              "ledger,market,ipfs,sms")
    check("smsUrl" in config, f"ready: {config} {log.read()}")
    equal(json.loads(status(config["smsUrl"] + "/up")[1])["domain"], "hw", "/up")
    done = iapp(home, "protect", "a=b", "--json", wallet=Run.owner)
    equal(done.returncode, 0, done.stdout + done.stderr)
    address = json.loads(done.stdout.splitlines()[-1])["address"]
    url = f"{config['smsUrl']}/secrets/web3?secretAddress={address}"
    equal(status(url, "HEAD")[0], 204, "the key is there")
    log.seek(0)
    check(b"nothing is released" in log.read(), "said at the start")
    equal(down(p), 0, "exit status")


try:
    tap.main()
finally:
    for one in running:
        if one.poll() is None:
            for pid in reversed(proc.children(one.pid)):
                os.kill(pid, signal.SIGKILL)
            one.wait(timeout=60)
    shutil.rmtree(TOP, ignore_errors=True)
