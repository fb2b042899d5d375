"""An installation whose roles run as processes of their own, so that a liar can sit between any two
of them; the people who use it; and the player, who speaks for a pool and a guest."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import abi  # noqa: E402
import proc  # noqa: E402
from proxy import Proxy  # noqa: E402
from tap import check  # noqa: E402

# the same cases on an EVM chain with the published contracts
ON_CHAIN = os.environ.get("IA_ON_CHAIN") == "1"

BUILD = os.environ["IA_BUILD"]
GUEST = os.path.join(BUILD, "src/guest/iapp-guest")
PLAYER = os.environ.get("IA_PLAYER", os.path.join(BUILD, "tests/dishonest/player"))
PLAIN = "the-plaintext-that-only-an-enclave-sees"
APP = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
  char path[4096], line[4096] = "";
  snprintf(path, sizeof(path), "%s/protected/text", getenv("IEXEC_IN"));
  FILE *in = fopen(path, "r");
  if (in && !fgets(line, sizeof(line), in))
    return 4;
  snprintf(path, sizeof(path), "%s/result.txt", getenv("IEXEC_OUT"));
  FILE *out = fopen(path, "w");
  if (!out)
    return 5;
  fprintf(out, "read: %s\nargument: %s\n", line, argc > 1 ? argv[1] : "");
  return fclose(out) == 0 ? 0 : 6;
}
"""


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def save(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text if isinstance(text, str) else json.dumps(text))
        os.fchmod(f.fileno(), 0o600)
    return path


class Role:
    """One `iappd run` with some roles; ready when the constructor returns."""

    def __init__(self, top, name, roles, *options, wait=True):
        self.home = os.path.join(top, name)
        self.options = ["--role", roles, "--home", self.home, "--port", "0", "--json", *options]
        self.log = os.path.join(top, name + ".log")
        self.process = None
        self.start(wait)

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([os.path.join(BUILD, "iappd"), "run", *self.options],
                                            stdout=subprocess.PIPE, stderr=log,
                                            stdin=subprocess.DEVNULL)
        if not wait:
            return
        line = self.process.stdout.readline()
        check(line, f"{self.home} starts: {self.said()}")
        self.line = json.loads(line)
        self.ready = load(os.path.join(self.home, "ready.json")) if "error" not in self.line else {}

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process:
            self.process.stdout.close()

    def kill(self):
        for pid in reversed(proc.children(self.process.pid)):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(timeout=30)


class Player:
    """The program tests/dishonest/player.c."""

    def __init__(self, lab, quoting, rpc=None, guest=GUEST):
        self.lab = lab
        self.process = subprocess.Popen(
            [PLAYER, rpc or lab.front.ready["rpcUrl"], lab.keys + "/scheduler/wallet.json",
             lab.keys + "/passphrase", quoting, guest,
             *([lab.chain.hub] if lab.chain else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.enclave = self.say(do="who")["enclave"]

    def say(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        check(answer, "the player ended")
        return json.loads(answer)

    def ask(self, task, worker="0x" + "77" * 20, fencing=1, **more):
        return self.say(do="ask", task=task, worker=worker, fencing=fencing,
                        **{"sms": self.lab.sms.ready["smsUrl"], **more})

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Lab:
    def __init__(self, name, on_chain=ON_CHAIN):
        self.top = tempfile.mkdtemp(prefix=f"iapp-dishonest-{name}-")
        self.roles, self.closing = [], []
        self.chain = on_chain and self.open_chain()
        self.user_home = os.path.join(self.top, "user")
        os.mkdir(self.user_home, 0o700)
        self.password = save(os.path.join(self.top, "password"), "correct horse\n")

    def open_chain(self):
        import anvil
        try:
            chain = anvil.Anvil()
        except anvil.npm.Unreachable as why:
            shutil.rmtree(self.top)
            print(f"1..0 # SKIP {why}")
            sys.exit(0)
        self.closing.append(chain.close)
        return chain

    # -- roles --
    def role(self, name, roles, *options, **more):
        role = Role.__new__(Role)
        self.roles.append(role)
        role.__init__(self.top, name, roles, *options, **more)
        return role

    def proxy(self, target, **more):
        proxy = Proxy(target, **more)
        self.closing.append(proxy.close)
        return proxy

    def start_front(self, *options):
        if self.chain:
            self.start_front_on_chain()
            return
        self.front = self.role("front", "ledger,market,ipfs", "--test", *options)
        self.keys = self.front.home

    def start_front_on_chain(self):
        maker = self.role("keys", "ledger", "--test")
        maker.stop()
        self.keys = maker.home
        owner = load(self.keys + "/scheduler/wallet.json")["address"]
        made = self.chain.send("0x" + abi.call("createWorkerpool(address,string)",
                                               "0x" + owner.removeprefix("0x"), "pool").hex(),
                               self.chain.registries["workerpool"])
        self.pool_address = "0x" + made["logs"][0]["topics"][3][-40:]
        self.front = self.role("front", "market,ipfs", *self.where(), "--dataprotector",
                               self.chain.data_protector, "--pool", self.pool_address)
        self.front.ready.setdefault("workerpool", self.pool_address)

    def where(self, rpc=None):
        """Options of a role that finds the ledger at `rpc`."""
        if self.chain:
            return "--chain", rpc or self.chain.url, "--hub", self.chain.hub
        return "--rpc", rpc or self.front.ready["rpcUrl"]

    def start_sms(self, rpc, *options):
        self.sms = self.role("sms", "sms", *self.where(rpc), *options)

    def start_scheduler(self, *options):
        """The pool's key was made with the ledger, whose genesis names its owner."""
        home = os.path.join(self.top, "pool")
        os.mkdir(home, 0o700)
        shutil.copytree(self.keys + "/scheduler", home + "/scheduler")
        shutil.copy(self.keys + "/passphrase", home + "/passphrase")
        at = self.front.ready
        self.pool = self.role("pool", "scheduler", *self.where(), "--market", at["marketUrl"],
                              "--ipfs", at["ipfsNodeUrl"], "--pool", at["workerpool"], *options)

    def trust_sim(self, root):
        subprocess.run([os.path.join(BUILD, "iappd"), "sms", "trust-sim", root, "--home",
                        self.sms.home], check=True, capture_output=True, timeout=60)

    def player(self, name="quoting", **more):
        folder = os.path.join(self.top, name)
        os.makedirs(folder, 0o700, exist_ok=True)
        player = Player(self, folder, **more)
        self.closing.append(player.close)
        return player

    # -- people --
    def settle_in(self, **endpoints):
        """What the users' commands know: where everything is, and which SMS is trusted."""
        at = {**self.front.ready, "smsUrl": self.sms.ready["smsUrl"], **endpoints}
        keys = ("rpcUrl", "hubAddress", "marketUrl", "smsUrl", "ipfsNodeUrl", "ipfsGatewayUrl",
                "schedulerUrl", "workerpool", "dataprotectorContractAddress")
        save(os.path.join(self.user_home, "user.json"),
             {**{k: at[k] for k in keys if k in at}, "chainId": str(at["chainId"])})
        with urllib.request.urlopen(self.sms.ready["smsUrl"] + "/info", timeout=30) as answer:
            info = json.loads(json.load(answer)["text"])
        save(os.path.join(self.user_home, "trust.json"), {"v": 1, "sms": [info]})

    def iapp(self, *args, wallet=None, cwd=None, home=None):
        keys = os.path.join(self.top, "keystore")
        command = [os.path.join(BUILD, "iapp"), *args, "--json", "--yes"]
        if wallet:
            command += ["--wallet", wallet]
        if wallet or args[0] == "wallet":
            command += ["--keystore", keys]
        done = subprocess.run(command, cwd=cwd or self.top, capture_output=True, timeout=300,
                              stdin=subprocess.DEVNULL, check=False,
                              env=dict(os.environ, IAPP_HOME=home or self.user_home,
                                       IAPP_PASSWORD_FILE=self.password))
        lines = [json.loads(x) for x in done.stdout.splitlines()]
        check(lines, f"{args}: {done.returncode} {done.stderr!r}")
        return done.returncode, lines[-1]

    def good(self, *args, **more):
        status, answer = self.iapp(*args, **more)
        check(status == 0, f"{args}: {status} {answer}")
        return answer

    def wallet(self):
        return self.good("wallet", "new")["address"]

    def make_app(self, developer):
        self.good("init", "app", "--lang", "c", "--with", "data,args")
        folder = os.path.join(self.top, "app")
        source = [os.path.join(d, f) for d, _, fs in os.walk(folder) for f in fs if f == "app.c"]
        save(source[0], APP)
        return self.good("deploy", wallet=developer, cwd=folder)["address"]

    def make_grant(self, times=10000):
        """Data of one, an app of another, for anybody."""
        self.owner, self.developer, self.user = self.wallet(), self.wallet(), self.wallet()
        self.app = self.make_app(self.developer)
        self.data = self.good("protect", f"text={PLAIN}", wallet=self.owner)["address"]
        self.good("grant", self.data, self.app, "any", "--times", str(times), wallet=self.owner)

    def deal(self, tasks=1, *args):
        done = self.good("run", self.app, "--data", self.data, "--tasks", str(tasks), "--no-wait",
                         *args, wallet=self.user)
        self.deal_id = done["dealId"]
        return done["taskIds"]

    def deal_for(self, player, tasks, *args):
        """A deal whose tasks the player initialises; nobody else is there to run them."""
        self.pool.stop()
        ids = self.deal(tasks, *args)
        said = player.say(do="initialize", deal=self.deal_id, count=tasks)
        check(said["code"] == "OK", f"the tasks are initialised: {said}")
        return ids

    def close(self):
        for close in reversed(self.closing):
            close()
        for role in reversed(self.roles):
            role.stop()
        shutil.rmtree(self.top, ignore_errors=True)
