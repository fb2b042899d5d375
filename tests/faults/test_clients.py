#!/usr/bin/env python3
"""kill -9 of protect, deploy and run at each step of their talk with the services and at any time: nothing stays by
halves, and the same command works afterwards."""
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # noqa: E402
from lab import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

SEED = lab.seed()
RNG = random.Random(SEED)
MARKER = "marker-of-a-command-that-was-killed"


PIECES = 12  # of the talk of a command; which of them, the seed says


class Run:
    lab = lab.Lab()


class Hunter:
    """Between a client and the services: kills it at its n-th piece of talk, which is then passed on
    or not."""

    def __init__(self):
        self.lock = threading.Lock()
        self.client = None
        self.count, self.at, self.passed = 0, None, False
        self.urls = []
        front, sms = (self.listen(Run.lab.config[k]) for k in ("rpcUrl", "smsUrl"))
        self.urls = ["--rpc", front, "--market", front, "--ipfs", front, "--sms", sms]

    def listen(self, url):
        at = urlsplit(url)
        server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, args=(server, (at.hostname, at.port)),
                         daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    def serve(self, server, target):
        while True:
            ours, _ = server.accept()
            theirs = socket.create_connection(target)
            for pair in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self.pass_on, args=pair, daemon=True).start()

    def pass_on(self, source, sink):
        """One direction of a connection; every piece counts."""
        try:
            while True:
                piece = source.recv(65536)
                if not piece:
                    break
                with self.lock:
                    self.count += 1
                    hit = self.count == self.at and self.client
                if hit and not self.passed:
                    self.shoot()
                sink.sendall(piece)
                if hit and self.passed:
                    self.shoot()
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shoot(self):
        self.client.kill()
        self.client.wait()

    def run(self, args, who, cwd, at=None, passed=False):
        """The exit status of the command; -9 when it was hit."""
        command = Run.lab.command(args, who) + self.urls
        with self.lock:
            self.count, self.at, self.passed = 0, at, passed
            self.client = subprocess.Popen(command, env=Run.lab.env(), cwd=cwd,
                                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE)
        out, err = self.client.communicate(timeout=lab.PATIENCE)
        self.last = out + err
        return self.client.returncode


@case
def people_and_their_things():
    box = Run.lab
    box.start()
    Run.hunter = Hunter()
    Run.owner, Run.developer, Run.requester = (box.wallet() for _ in range(3))
    Run.folder = box.project()
    Run.app = box.good("deploy", who=Run.developer, cwd=Run.folder)["address"]
    Run.data = box.good("protect", f"text={MARKER}", who=Run.owner)["address"]
    box.good("grant", Run.data, Run.app, "any", "--times", "1000", who=Run.owner)


def halves():
    """What a killed command left that is not whole: temporary files, values in clear."""
    # a service may still have to see that its client is gone
    lab.until("the end of temporary files", lambda: not Run.lab.litter())
    clear = proc.files_hold(Run.lab.home, [MARKER.encode()])
    equal(clear, [], "in clear at home")


def hunt(args, who, cwd):
    """Kills the command at everything it says or hears; a full run tells how much that is."""
    equal(Run.hunter.run(args(0), who, cwd), 0, f"unharmed: {Run.hunter.last!r}")
    total = Run.hunter.count
    hit, at = 0, range(1, total + 1)
    at = sorted(RNG.sample(at, min(PIECES, total)))
    for n in at:
        hit += Run.hunter.run(args(n), who, cwd, n, n % 2 == 0) == -signal.SIGKILL
        halves()
    # what is waited for comes in more or fewer pieces
    check(hit > len(at) // 2, f"hit {hit} times of {len(at)}")
    for n in range(2):
        client = subprocess.Popen(Run.lab.command(args(total + 1 + n), who), env=Run.lab.env(),
                                  cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        time.sleep(RNG.uniform(0.02, 0.8))
        client.kill()
        client.wait()
        halves()
    equal(Run.hunter.run(args(total + 9), who, cwd), 0, f"afterwards: {Run.hunter.last!r}")
    halves()


@case
def protect_is_killed():
    hunt(lambda n: ["protect", f"text={MARKER}", "--name", f"data-{n}"], Run.owner, Run.lab.top)
    while Run.lab.iapp("protect", "--resume", who=Run.owner)[0] == 0:
        pass
    equal(os.listdir(os.path.join(Run.lab.home, "protect")), [], "journal")


@case
def deploy_is_killed():
    hunt(lambda n: ["deploy", "--version", f"1.1.{n}"], Run.developer, Run.folder)
    with open(os.path.join(Run.folder, ".iapp/deployments.json"), encoding="utf-8") as f:
        check(lab.json.load(f)[0]["app"], "the list of deployments")


def results():
    """Result folders; one that has its name is whole."""
    top = os.path.join(Run.lab.top, "results")
    for name in os.listdir(top):
        path = os.path.join(top, name)
        if os.path.isdir(path):
            with open(os.path.join(path, "out.txt"), encoding="ascii") as f:
                equal(f.read().strip(), MARKER, path)
            check(os.path.exists(os.path.join(path, "computed.json")), f"{path} is whole")


@case
def run_is_killed():
    os.mkdir(os.path.join(Run.lab.top, "results"))
    hunt(lambda n: ["run", Run.app, "--data", Run.data, "--out", f"results/{n}"], Run.requester,
         Run.lab.top)
    results()


@case
def nothing_is_left_behind():
    Run.lab.stop()
    equal(Run.lab.litter(), [], "temporary files")
    equal(Run.lab.left_over(), [], "processes, cgroups, mounts")


try:
    tap.main()
finally:
    Run.lab.close()
