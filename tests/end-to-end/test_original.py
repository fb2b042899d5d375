#!/usr/bin/env python3
"""A project as iExec's own command line leaves it, used as it stands: test, deploy, run, wallet, chain; what
differs is said, and its private key in clear goes nowhere else."""
import glob
import json
import os
import shutil
import struct
import sys
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import Skip, case, check, equal  # noqa: E402

LAB = lab.Lab("original")
PROJECT = LAB.path("hello-world")
CONFIG = os.path.join(PROJECT, "iapp.config.json")
# one of the ten usual development accounts: everybody's
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
SECRET = "the-app-secret-of-the-project"
DOCKERFILE = """FROM python:3.13.3-alpine3.21
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY src/ ./src/
ENTRYPOINT ["python3", "/app/src/app.py"]
"""
APP = '''import json
import os
import sys
import zipfile

OUT = os.environ["IEXEC_OUT"]
n = int(os.environ.get("IEXEC_BULK_SLICE_SIZE") or 0)
names = [os.environ[f"IEXEC_DATASET_{i + 1}_FILENAME"] for i in range(n)] or \
    [os.environ.get("IEXEC_DATASET_FILENAME") or ""]
text = ""
for name in names:
    path = os.path.join(os.environ["IEXEC_IN"], name)
    if name and os.path.isfile(path):
        with zipfile.ZipFile(path) as data:
            text += data.read("secretText")[4:].decode()
secret = os.environ.get("IEXEC_APP_DEVELOPER_SECRET", "")
with open(os.path.join(OUT, "result.txt"), "w") as f:
    f.write(f"args={sys.argv[1:]} data={text} secret={len(secret)}\\n")
with open(os.path.join(OUT, "computed.json"), "w") as f:
    json.dump({"deterministic-output-path": os.path.join(OUT, "result.txt")}, f)
'''


class Run:
    """What the cases share."""


def put(name, text):
    path = os.path.join(PROJECT, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def mock(name, text):
    """A mock as it writes them: a zip, stored, of Borsh values."""
    raw = text.encode()
    path = os.path.join(PROJECT, "mock/protectedData", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        z.writestr("secretText", struct.pack("<I", len(raw)) + raw)


def config(**changes):
    with open(CONFIG, encoding="utf-8") as f:
        now = json.load(f)
    now.update(changes)
    put("iapp.config.json", json.dumps({k: v for k, v in now.items() if v is not ...}, indent=2))


def said(*args):
    """Exit status, stdout, stderr, in text; in the project, with no wallet named."""
    return LAB.said(None, *args, "--yes", cwd=PROJECT)


def keystore(args):
    """Verbs that sign are told where the wallets of this test lie."""
    return args if args[0] in ("mock", "chain", "build") else (*args, "--keystore", LAB.keys)


def good(*args):
    return LAB.good(None, *keystore(args), "--yes", cwd=PROJECT)


def refused(*args, code, status=1):
    return LAB.refused(None, *keystore(args), code=code, status=status, cwd=PROJECT)


def holders(text):
    """Files below the folder of the test that hold it, and command lines and environments."""
    found = []
    for top, _, names in os.walk(LAB.top):
        for name in names:
            path = os.path.join(top, name)
            try:
                with open(path, "rb") as f:
                    if text.encode() in f.read():
                        found.append(os.path.relpath(path, LAB.top))
            except OSError:
                continue
    return sorted(found)


@case
def a_project_lies_there():
    put("iapp.config.json", json.dumps({
        "defaultChain": "arbitrum-sepolia-testnet", "projectName": "Hello World",
        "template": "Python3.13", "dockerhubUsername": "somebody",
        "dockerhubAccessToken": "dckr_pat_x", "walletPrivateKey": KEY, "appSecret": SECRET}, indent=2))
    put("Dockerfile", DOCKERFILE)
    put(".dockerignore", "cache\ninput\noutput\niapp.config.json\n")
    put(".gitignore", "node_modules\noutput\niapp.config.json\n")
    put("requirements.txt", "")
    put("README.md", "# Hello World\n")
    put("src/app.py", APP)
    put("cache/arbitrum-sepolia-testnet/deployments.json", "[]")
    for name, text in (("default", "protected data"), ("data1", "foo"), ("data2", "bar")):
        mock(name, text)
    os.makedirs(os.path.join(PROJECT, "input"))
    os.makedirs(os.path.join(PROJECT, "output"))
    LAB.up("--test")


@case
def what_it_is_made_of_is_told_by_doctor():
    status, lines = LAB.run(None, "doctor", "--keystore", LAB.keys, cwd=PROJECT)
    equal(status, 1, "a secret in clear is a lack")
    row = next(c for c in lines[-1]["checks"] if c["name"] == "project")
    equal((row["ok"], row["text"]), (False, 'iapp.config.json holds "walletPrivateKey" in clear'), "told")


def result(folder):
    with open(os.path.join(folder, "result.txt"), encoding="utf-8") as f:
        return f.read()


@case
def its_options_are_taken_as_they_were():
    if not shutil.which("apt-get") or not glob.glob("/var/lib/apt/lists/*Packages*"):
        raise Skip("no package lists of Debian here (apt-get update)")
    status, out, err = said("test", "--args", "one two", "--protectedData", "--quiet")
    check(status == 0, f"test: {out} {err}")
    equal(result(os.path.join(PROJECT, ".iapp/output")),
          f"args=['one', 'two'] data=protected data secret={len(SECRET)}\n", "result")
    status, out, err = said("test", "--protectedData", "data1", "data2", "--requesterSecret", "1=a", "2=b")
    check(status == 0, f"test: {out} {err}")
    equal(result(os.path.join(PROJECT, ".iapp/output")),
          f"args=[] data=foobar secret={len(SECRET)}\n", "result of two")
    check("the Dockerfile is not used" in out, f"said: {out}")
    check("--protectedData is now --data" in err, f"said: {err}")
    Run.built = True


@case
def it_is_deployed_with_its_own_wallet():
    if not hasattr(Run, "built"):
        raise Skip("nothing was built")
    status, out, err = said("deploy", "--version", "1.0.0", "--keystore", LAB.keys)
    check(status == 0, f"deploy: {out} {err}")
    check(f"signing as {OWNER}, whose private key stands in clear in iapp.config.json" in err, err)
    check("the app secret stands in clear" in err, err)
    check("names the chain arbitrum-sepolia-testnet; this speaks to http" in out, out)
    Run.app = next(line for line in out.splitlines() if line.startswith("0x"))
    [order] = good("orders", "--app", Run.app)["orders"]
    equal(order["signer"], OWNER, "owner")


@case
def it_is_run_as_it_was():
    if not hasattr(Run, "app"):
        raise Skip("nothing was deployed")
    error = refused("run", Run.app, "--chain", "arbitrum-sepolia-testnet", code="USAGE", status=2)
    equal(error["hint"], "iapp chain use arbitrum-sepolia-testnet --rpc URL", "way out")
    refused("run", Run.app, "--chain", "bellecour", code="USAGE", status=2)
    out = LAB.path("result")
    [task] = good("run", Run.app, "--args", "x", "--out", out)["tasks"]
    equal(task["status"], "COMPLETED", f"task: {task}")
    equal(result(out), f"args=['x'] data= secret={len(SECRET)}\n", "result")
    equal(good("debug", task["taskId"])["status"], "COMPLETED", "debug")


@case
def other_verbs_do_not_take_its_wallet():
    # whoever wrote the configuration knows that key: no data may become its
    LAB.refused(None, "protect", "a=b", "--keystore", LAB.keys, code="NOT_FOUND", cwd=PROJECT)


@case
def a_configuration_of_others_names_no_wallet():
    os.chmod(CONFIG, 0o666)
    error = refused("run", "0x" + "11" * 20, code="FORBIDDEN")
    check("can be written by others" in error["message"], f"said: {error}")
    if os.geteuid() == 0:
        os.chmod(CONFIG, 0o644)
        os.chown(CONFIG, 65534, 65534)
        refused("run", "0x" + "11" * 20, code="FORBIDDEN")
        os.chown(CONFIG, 0, 0)
    os.chmod(CONFIG, 0o644)


@case
def its_key_goes_nowhere_and_then_into_the_keystore():
    for text in (KEY, KEY[2:]):
        equal(holders(text), ["hello-world/iapp.config.json"], "who holds the private key")
    Run.other = LAB.wallet()
    before = json.load(open(CONFIG, encoding="utf-8"))
    got = good("wallet", "import", "--from-project")
    equal(got["address"], OWNER, "address")
    equal(holders(KEY[2:]), [], "who holds the private key")
    after = json.load(open(CONFIG, encoding="utf-8"))
    equal(after.pop("walletFileName"), os.path.basename(got["file"]), "file")
    del before["walletPrivateKey"]
    equal((list(after), after), (list(before), before), "the rest of the configuration")
    refused("wallet", "import", "--from-project", code="NOT_FOUND")


@case
def the_wallet_file_that_it_names_signs():
    if not hasattr(Run, "app"):
        raise Skip("nothing was deployed")
    again = good("deploy", "--version", "1.0.0", "--no-order")
    equal((again["owner"], again["address"]), (OWNER, Run.app), "same owner, same app")
    mine = good("deploy", "--version", "1.0.0", "--no-order", "--wallet", Run.other)
    equal(mine["owner"], Run.other, "a wallet that is named counts more")
    config(walletFileName="../../secret.json")
    refused("deploy", code="INVALID")
    config(walletFileName="gone.json")
    refused("deploy", code="NOT_FOUND")
    config(walletFileName=...)


@case
def its_verbs_have_their_old_names():
    equal(good("mock", "protectedData", "--name", "more", "a=b")["name"], "more", "mock")
    equal(good("wallet", "select", Run.other)["address"], Run.other, "wallet")
    equal(good("wallet", "show")["address"], Run.other, "is kept")
    refused("chain", "select", "arbitrum-sepolia-testnet", code="USAGE", status=2)
    equal(good("chain", "select", "local")["chain"], "local", "chain")


@case
def what_is_missing_is_guessed_or_told():
    config(template=..., appSecret=None)
    if hasattr(Run, "built"):
        check(good("build")["digest"].startswith("sha256:"), "by src/app.py")
    config(template="Rust")
    refused("build", code="UNSUPPORTED")
    put("iapp.config.json", "{")
    refused("build", code="PARSE")


@case
def it_ends_on_sigterm():
    equal(LAB.stop(), 0, "exit status")


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        LAB.close()
