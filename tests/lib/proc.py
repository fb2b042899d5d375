"""Processes of a run: their family, and what their memory, command lines and files hold."""
import os
import re


def children(pid):
    """All descendants of pid, itself first."""
    parent = {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{p}/stat") as f:
                parent[int(p)] = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    found = [pid]
    for at in found:
        found += [p for p, up in parent.items() if up == at]
    return found


def name(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return "?"


def memory_holds(pid, needles):
    """Which needles stand in the writable memory of a process (a gone process holds none)."""
    found = set()
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for line in maps:
                m = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
                start, end = int(m[1], 16), int(m[2], 16)
                if "w" not in m[3] or end - start > 1 << 30:
                    continue
                try:
                    mem.seek(start)
                    data = mem.read(end - start)
                except (OSError, ValueError, OverflowError):
                    continue
                found.update(n for n in needles if n in data)
    except OSError:
        pass
    return found


def arguments_hold(pid, needles):
    found = set()
    for what in ("cmdline", "environ"):
        try:
            with open(f"/proc/{pid}/{what}", "rb") as f:
                data = f.read()
        except OSError:
            continue
        found.update(n for n in needles if n in data)
    return found


def files_hold(top, needles):
    """(path, needle) of every regular file below top that holds one, in content or in its name."""
    hits = []
    for folder, _, names in os.walk(top):
        for entry in names:
            path = os.path.join(folder, entry)
            hits += [(path, n) for n in needles if n in os.fsencode(path)]
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            try:
                with open(path, "rb") as f:
                    data = f.read()
            except OSError:
                continue
            hits += [(path, n) for n in needles if n in data]
    return hits


def enclaves(family):
    """Those of a family that are a guest, or inside one."""
    found = set()
    for pid in family:
        if name(pid) == "iapp-guest":
            found.update(children(pid))
    return found
