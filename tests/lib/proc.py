"""Processes of a run: their family, and what their memory, command lines and files hold."""
import io
import os
import re
import zipfile


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


PAGE = os.sysconf("SC_PAGESIZE")
# the last byte of a pagemap entry: the page is in memory (0x80), or swapped out (0x40)
_THERE = bytes(1 if b & 0xc0 else 0 for b in range(256))


def _pages(pagemap, start, end):
    """(begin, end) of each run of pages that hold anything: sanitizers reserve far more."""
    pagemap.seek(start // PAGE * 8)
    there = pagemap.read((end - start) // PAGE * 8)[7::8].translate(_THERE)
    for run in re.finditer(b"\1+", there):
        yield start + run.start() * PAGE, start + run.end() * PAGE


def _writable(maps):
    for line in maps:
        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
        start, end = int(m[1], 16), int(m[2], 16)
        if "w" in m[3] and end - start <= 1 << 34:
            yield start, end


def memory_holds(pid, needles):
    """Which needles stand in the writable memory of a process (a gone process holds none)."""
    found = set()
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem, \
             open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap:
            for start, end in _writable(maps):
                for at, stop in _pages(pagemap, start, end):
                    try:
                        mem.seek(at)
                        data = mem.read(stop - at)
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


def file_holds(path, needles):
    """Of a zip archive what it holds too, which its compression would hide."""
    try:
        with open(path, "rb") as f:
            data = f.read()
    except OSError:
        return set()
    if data.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                data += b"".join(archive.read(entry) for entry in archive.namelist())
        except zipfile.BadZipFile:
            pass  # no archive, or one that is still being written
    return {n for n in needles if n in data}


def open_files_hold(pid, needles):
    """Of the regular files that a process has open, those without a name too (memfd, deleted)."""
    found, folder = set(), f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)
    except OSError:
        return found
    for fd in numbers:
        path = os.path.join(folder, fd)
        if os.path.isfile(path):
            found |= file_holds(path, needles)
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
            hits += [(path, n) for n in file_holds(path, needles)]
    return hits


def enclaves(family):
    """Those of a family that are a guest, or inside one."""
    found = set()
    for pid in family:
        if name(pid) == "iapp-guest":
            found.update(children(pid))
    return found
