#!/usr/bin/env python3
"""run.py TEST.mjs: runs a test against iExec's packages as npm gives them. They are installed once into
$IA_BUILD/clients, after the lock file beside this program; without npm, or when nothing answers it,
the test is skipped with that reason. Node is the system's where it is 20 or newer, else npm's."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import npm  # noqa: E402

TOP = os.path.join(os.environ["IA_BUILD"], "clients")


def main():
    # modules are looked for beside the file that imports them
    tests = os.path.join(TOP, "packages", "tests")
    try:
        program = npm.node()
        with npm.Locked(TOP):
            npm.locked(HERE, os.path.join(TOP, "packages"))
            if not os.path.islink(tests):
                os.symlink(HERE, tests)
    except npm.Unreachable as why:
        print(f"1..0 # SKIP {why}")
        return
    script = os.path.join(tests, os.path.basename(sys.argv[1]))
    os.environ["PATH"] = os.path.dirname(program) + os.pathsep + os.environ["PATH"]
    os.execv(program, [program, "--preserve-symlinks", "--preserve-symlinks-main", script,
                       *sys.argv[2:]])


if __name__ == "__main__":
    main()
