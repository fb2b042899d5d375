#!/usr/bin/env python3
"""run.py TEST.mjs: runs a test against iExec's packages as npm gives them. They are installed once into
$IA_BUILD/clients, after the lock file beside this program; without npm, or when nothing answers it,
the test is skipped with that reason. Node is the system's where it is 20 or newer, else npm's."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(os.environ["IA_BUILD"], "clients")
NEWEST_NEEDED = 20
INSTALL_S = 900
# what npm says when it cannot get at its registry at all
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH",
               "EHOSTUNREACH", "ERR_SOCKET_TIMEOUT", "UND_ERR_CONNECT_TIMEOUT", "network timeout")


class Unreachable(Exception):
    """npm is missing, or its registry does not answer."""


def install(source, target):
    """npm's exact packages of `source` in `target`; once for each content of the lock file."""
    names = ("package.json", "package-lock.json")
    digest = hashlib.sha256()
    for name in names:
        with open(os.path.join(source, name), "rb") as f:
            digest.update(f.read())
    stamp = os.path.join(target, "installed")
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as f:
            if f.read() == digest.hexdigest():
                return
    npm = shutil.which("npm")
    if not npm:
        raise Unreachable("npm is not installed")
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    for name in names:
        shutil.copyfile(os.path.join(source, name), os.path.join(target, name))
    done = subprocess.run([npm, "ci", "--ignore-scripts", "--omit-lockfile-registry-resolved",
                           "--no-audit", "--no-fund", "--no-update-notifier"], cwd=target,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=INSTALL_S)
    if done.returncode != 0:
        if any(word in done.stdout + done.stderr for word in UNREACHABLE):
            raise Unreachable("npm's registry does not answer")
        raise RuntimeError(f"npm ci: {done.stdout}{done.stderr}")
    with open(stamp, "w", encoding="ascii") as f:
        f.write(digest.hexdigest())


def node():
    """A node that is new enough."""
    found = shutil.which("node")
    if found:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
        if int(said.stdout.lstrip("v").split(".")[0]) >= NEWEST_NEEDED:
            return found
    target = os.path.join(TOP, "node")
    install(os.path.join(HERE, "node"), target)
    for name in os.listdir(os.path.join(target, "node_modules")):
        path = os.path.join(target, "node_modules", name, "bin/node")
        if os.path.exists(path):
            return path
    raise Unreachable("npm has no node for this machine")


def main():
    os.makedirs(TOP, exist_ok=True)
    try:
        with open(os.path.join(TOP, "lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            program = node()
            install(HERE, os.path.join(TOP, "packages"))
    except Unreachable as why:
        print(f"1..0 # SKIP {why}")
        return
    # modules are looked for beside the file that imports them
    tests = os.path.join(TOP, "packages", "tests")
    with open(os.path.join(TOP, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.islink(tests):
            os.symlink(HERE, tests)
    script = os.path.join(tests, os.path.basename(sys.argv[1]))
    os.environ["PATH"] = os.path.dirname(program) + os.pathsep + os.environ["PATH"]
    os.execv(program, [program, "--preserve-symlinks", "--preserve-symlinks-main", script,
                       *sys.argv[2:]])


if __name__ == "__main__":
    main()
