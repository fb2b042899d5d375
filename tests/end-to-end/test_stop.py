#!/usr/bin/env python3
"""`iapp up` ends, with all its processes, whenever SIGTERM comes."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

IAPP = os.path.join(os.environ["IA_BUILD"], "iapp")
TOP = tempfile.mkdtemp(prefix="iapp-stop-")
PATIENCE = 60


def stopped_at(name, sign):
    """Sends SIGTERM as soon as the file `sign` stands in the home."""
    home = os.path.join(TOP, name)
    up = subprocess.Popen([IAPP, "up", "--port", "0", "--test", "--json"],
                          env=dict(os.environ, IAPP_HOME=home), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while not os.path.exists(os.path.join(home, sign)):
            check(up.poll() is None and time.monotonic() < until, f"{sign} appears")
            time.sleep(0.001)
        family = proc.children(up.pid)
        up.terminate()
        equal(up.wait(timeout=PATIENCE), 0, "exit status")
        equal([p for p in family if proc.name(p) != "?"], [], "processes left")
    finally:
        if up.poll() is None:
            for pid in reversed(proc.children(up.pid)):
                os.kill(pid, signal.SIGKILL)
            up.wait(timeout=PATIENCE)


@case
def while_the_ledger_opens():
    stopped_at("ledger", "front/blobs")


@case
def while_the_key_service_opens():
    stopped_at("sms", "sms/sms.db")


@case
def while_the_scheduler_opens():
    stopped_at("scheduler", "scheduler/scheduler.db")


@case
def when_all_is_ready():
    stopped_at("ready", "ready.json")


try:
    tap.main()
finally:
    shutil.rmtree(TOP, ignore_errors=True)
