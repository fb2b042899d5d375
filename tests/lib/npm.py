"""Packages of npm at pinned versions, in the build folder; nothing of them is kept in the tree."""
import base64
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tarfile

from tap import Skip

HERE = os.path.dirname(os.path.abspath(__file__))
NEWEST_NEEDED = 20
INSTALL_S = 900
# what npm says when it cannot get at its registry at all
_UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH",
                "EHOSTUNREACH", "ERR_SOCKET_TIMEOUT", "UND_ERR_CONNECT_TIMEOUT", "network timeout")


class Unreachable(Skip):
    """npm is missing, or its registry does not answer."""


def _npm(*words, folder):
    """Standard output."""
    npm = shutil.which("npm")
    if not npm:
        raise Unreachable("npm is not installed")
    done = subprocess.run([npm, *words, "--no-audit", "--no-fund", "--no-update-notifier"],
                          cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=INSTALL_S)
    if done.returncode != 0:
        if any(word in done.stdout + done.stderr for word in _UNREACHABLE):
            raise Unreachable("npm's registry does not answer")
        raise RuntimeError(f"npm {words[0]}: {done.stdout}{done.stderr}")
    return done.stdout


class Locked:
    """One process at a time in a folder, which is made."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.path = os.path.join(folder, ".lock")

    def __enter__(self):
        self.file = open(self.path, "w", encoding="ascii")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def digest(*paths):
    whole = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as f:
            whole.update(hashlib.sha256(f.read()).digest())
    return whole.hexdigest()


def locked(source, target):
    """npm's exact packages of `source` in `target`; once for each content of the lock file."""
    names = ("package.json", "package-lock.json")
    want = digest(*(os.path.join(source, name) for name in names))
    stamp = os.path.join(target, "installed")
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as f:
            if f.read() == want:
                return
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    for name in names:
        shutil.copyfile(os.path.join(source, name), os.path.join(target, name))
    _npm("ci", "--ignore-scripts", "--omit-lockfile-registry-resolved", folder=target)
    with open(stamp, "w", encoding="ascii") as f:
        f.write(want)


def node():
    """Path of a Node of at least version 20: the system's, or else npm's."""
    found = shutil.which("node")
    if found:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
        if int(said.stdout.lstrip("v").split(".")[0]) >= NEWEST_NEEDED:
            return found
    top = os.path.join(os.environ["IA_BUILD"], "npm")
    target = os.path.join(top, "node")
    with Locked(top):
        locked(os.path.join(HERE, "../clients/node"), target)
    for name in os.listdir(os.path.join(target, "node_modules")):
        path = os.path.join(target, "node_modules", name, "bin/node")
        if os.path.exists(path):
            return path
    raise Unreachable("npm has no node for this machine")


def packed(name, version, integrity, target):
    """The bare contents of a package, without what it depends on; checked by its SHA-512."""
    said = json.loads(_npm("pack", f"{name}@{version}", "--json", folder=target))
    path = os.path.join(target, os.path.basename(said[0]["filename"]))
    with open(path, "rb") as f:
        got = "sha512-" + base64.b64encode(hashlib.sha512(f.read()).digest()).decode()
    if got != integrity:
        raise RuntimeError(f"{name}@{version}: {got} instead of {integrity}")
    with tarfile.open(path) as archive:
        archive.extractall(target)
    os.unlink(path)
    return os.path.join(target, "package")


def installed(name, version):
    """Folder in which require() finds the package."""
    top = os.path.join(os.environ["IA_BUILD"], "npm", f"{name.replace('/', '+')}-{version}")
    with Locked(top):
        if not os.path.exists(os.path.join(top, ".done")):
            _npm("install", "--prefix", top, "--ignore-scripts", "--save-exact",
                 f"{name}@{version}", folder=top)
            with open(os.path.join(top, ".done"), "w", encoding="ascii"):
                pass
    return top
