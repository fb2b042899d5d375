"""Packages of npm at pinned versions, in the build folder; nothing of them is kept in the tree."""
import fcntl
import os
import shutil
import subprocess

from tap import Skip


def node():
    """Path of a Node of at least version 20."""
    path = shutil.which("node")
    if not path:
        raise Skip("no node")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 20:
        raise Skip(f"node {version.strip()} is older than 20")
    return path


def installed(name, version):
    """Folder in which require() finds the package."""
    top = os.path.join(os.environ["IA_BUILD"], "npm", f"{name.replace('/', '+')}-{version}")
    if not shutil.which("npm"):
        raise Skip("no npm")
    os.makedirs(top, exist_ok=True)
    with open(os.path.join(top, ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(top, ".done")):
            done = subprocess.run(
                ["npm", "install", "--prefix", top, "--no-audit", "--no-fund", "--ignore-scripts",
                 "--save-exact", f"{name}@{version}"],
                capture_output=True, text=True, timeout=240, check=False)
            if done.returncode != 0:
                raise Skip(f"npm install {name}: {done.stderr.strip()[-200:]}")
            with open(os.path.join(top, ".done"), "w", encoding="ascii"):
                pass
    return top
