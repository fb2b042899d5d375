"""An installation in a folder of its own, people with wallets, and the verbs of iapp as functions."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request

import proc
from tap import check, equal

BUILD = os.environ["IA_BUILD"]
IAPP = os.path.join(BUILD, "iapp")
IAPPD = os.path.join(BUILD, "iappd")
APP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../end-to-end/app/app.c")


class Lab:
    def __init__(self, name):
        self.top = tempfile.mkdtemp(prefix=f"iapp-{name}-")
        self.home, self.keys, self.password, self.tmp = (
            os.path.join(self.top, n) for n in ("home", "keystore", "password", "tmp"))
        os.mkdir(self.tmp)
        self.write("password", "correct horse\n")
        self.started = []
        self.config = {}

    def path(self, *names):
        return os.path.join(self.top, *names)

    def write(self, name, text):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
            os.fchmod(f.fileno(), 0o600)
        return path

    def env(self, **more):
        return dict(os.environ, IAPP_HOME=self.home, IAPP_PASSWORD_FILE=self.password,
                    TMPDIR=self.tmp, **more)

    # -- services --
    def start(self, *command, **more):
        """A process that prints one line of JSON when it is ready: the process and that line."""
        with open(self.path("services.log"), "ab") as log:
            p = subprocess.Popen(command, env=self.env(**more), cwd=self.top, stderr=log,
                                 stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.started.append(p)
        line = p.stdout.readline()
        check(line, f"{command} ended: {self.log()[-2000:]}")
        return p, json.loads(line)

    def up(self, *args, **more):
        self.daemon, self.config = self.start(IAPP, "up", "--port", "0", "--json", *args, **more)
        check("rpcUrl" in self.config, f"ready: {self.config}")
        return self.config

    def only(self, roles):
        """The same installation, started anew with these roles alone."""
        equal(self.stop(), 0, "exit status")
        self.daemon, self.config = self.start(IAPPD, "run", "--home", self.home, "--port", "0",
                                              "--json", "--test", "--role", roles)

    def stop(self, process=None):
        """SIGTERM; the exit status."""
        process = process or self.daemon
        process.terminate()
        return process.wait(timeout=60)

    def log(self):
        with open(self.path("services.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def close(self):
        for p in self.started:
            if p.poll() is None:
                for pid in reversed(proc.children(p.pid)):
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                p.wait(timeout=60)
            p.stdout.close()
        shutil.rmtree(self.top, ignore_errors=True)

    # -- people --
    def command(self, who, *args):
        words = [IAPP, *args]
        return words + (["--keystore", self.keys, "--wallet", who] if who else [])

    def run(self, who, *args, cwd=None, **more):
        """Exit status and the objects of --json; every line must be one."""
        done = subprocess.run([*self.command(who, *args), "--json"], env=self.env(**more),
                              cwd=cwd or self.top, capture_output=True, timeout=240,
                              stdin=subprocess.DEVNULL, check=False)
        lines = [json.loads(x) for x in done.stdout.splitlines()]
        check(all(isinstance(x, dict) for x in lines), f"{args}: objects alone: {lines}")
        return done.returncode, lines

    def one(self, who, *args, **more):
        """Exit status and the one object."""
        status, lines = self.run(who, *args, **more)
        equal(len(lines), 1, f"{args}: exit {status}: objects {lines}")
        return status, lines[0]

    def good(self, who, *args, **more):
        status, answer = self.one(who, *args, **more)
        check(status == 0 and "error" not in answer, f"{args}: {status} {answer}")
        return answer

    def refused(self, who, *args, code, status=1, **more):
        """The error; its code is `code`."""
        got, answer = self.one(who, *args, **more)
        check("error" in answer, f"{args}: must be refused: {answer}")
        error = answer["error"]
        equal(sorted(error), ["code", "hint", "message"], "members of an error")
        equal((error["code"], got), (code, status), f"{args}: {error}")
        return error

    def said(self, who, *args, cwd=None):
        """As a person types it: exit status, standard output, standard error."""
        done = subprocess.run(self.command(who, *args), env=self.env(), cwd=cwd or self.top,
                              capture_output=True, timeout=240, stdin=subprocess.DEVNULL,
                              check=False, encoding="utf-8", errors="replace")
        return done.returncode, done.stdout, done.stderr

    def wallet(self):
        return self.good(None, "wallet", "new", "--keystore", self.keys)["address"]

    def project(self, name, source=APP, features="args,data"):
        """A project as `iapp init` makes it, with the app of the tests as its source."""
        self.good(None, "init", name, "--lang", "c", "--with", features)
        shutil.copyfile(source, self.path(name, "src", "app.c"))
        return self.path(name)

    def deploy(self, who, project, *args):
        return self.good(who, "deploy", *args, cwd=project)["address"]

    def money(self, who):
        """In hand, as stake, locked."""
        got = self.good(who, "balance")
        return got["wallet"], got["stake"], got["locked"]

    # -- the ledger --
    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        request = urllib.request.Request(self.config["rpcUrl"], body.encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            answer = json.load(reply)
        check("error" not in answer, f"{method}: {answer}")
        return answer["result"]

    def later(self, seconds):
        """The ledger's clock goes on by that much (--test)."""
        self.rpc("evm_increaseTime", seconds)
        self.rpc("evm_mine")


def shown(folder):
    """What the app's `show` wrote: arguments, environment, and input files by their path."""
    args, env, files = [], {}, {}
    with open(os.path.join(folder, "result.txt"), encoding="utf-8", errors="replace") as f:
        for line in f:
            kind, _, rest = line.rstrip("\n").partition("\t")
            if kind == "arg":
                args.append(rest)
            elif kind == "env":
                name, _, value = rest.partition("=")
                env[name] = value
            elif kind == "file":
                path, _, text = rest.partition("\t")
                files[path] = text
    return args, env, files
