"""What the benchmarks share: a temporary installation of release programs, and its processes."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
READY_S = 30
STOP_S = 15


class Failed(Exception):
    """Said as one line; the benchmark then ends with status 1."""


def build_folder(given, needed):
    """The build folder; every program that is needed must be there."""
    folder = pathlib.Path(given or os.environ.get("IA_BUILD") or ROOT / "build-release").resolve()
    missing = [name for name in needed if not os.access(folder / name, os.X_OK)]
    if missing:
        raise Failed(
            f"not built: {', '.join(str(folder / name) for name in missing)}\n"
            f"  meson setup {folder} -Dbuildtype=release -Doptimization=2 -Dtests=false -Dbench=true\n"
            f"  (a folder that is there: add --reconfigure), then ninja -C {folder}"
        )
    return folder


def machine():
    cores = len(os.sched_getaffinity(0))
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown")
    return {"cores": cores, "cpu": model, "kernel": os.uname().release,
            "load_before": round(os.getloadavg()[0], 2)}


def run_json(argv, **kw):
    """A verb of iapp with --json: its object."""
    p = subprocess.run([*map(str, argv), "--json"], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, **kw)
    try:
        answer = json.loads(p.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        answer = {"error": {"message": p.stderr.strip()}}
    if p.returncode != 0 or "error" in answer:
        raise Failed(f"{' '.join(map(str, argv[1:3]))}: {answer.get('error', {}).get('message')}")
    return answer


class Installation:
    """`iapp up` on a home; ended with everything it started."""

    def __init__(self, build, home, extra=("--test",)):
        self.home = pathlib.Path(home)
        self.log = open(self.home.parent / "up.log", "ab")
        began = time.monotonic()
        self.process = subprocess.Popen(
            [build / "iapp", "up", "--home", self.home, "--port", "0", "--json", *extra],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        line = self._first_line(began + READY_S)
        self.ready_ms = (time.monotonic() - began) * 1000
        self.sdk = json.loads(line)
        self.running = json.loads((self.home / "ready.json").read_text())

    def _first_line(self, until):
        os.set_blocking(self.process.stdout.fileno(), True)
        line = self.process.stdout.readline()
        if not line.startswith(b'{"rpcUrl"') or time.monotonic() > until:
            self.close()
            raise Failed(f"iapp up: {line.decode(errors='replace').strip() or 'ended'}")
        return line

    def processes(self):
        """{name: pid}: the supervisor, its roles, and the guests below the worker."""
        found = {"supervisor": self.process.pid}
        for pid in children(self.process.pid):
            name = (cmdline(pid).split() + [""] * 3)[2]
            found[name] = pid
            for i, guest in enumerate(descendants(pid)):
                found[f"guest/{i}"] = guest
        return found

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()  # its roles end with it: they hold its control channel
                self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def children(pid):
    out = []
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            out += [int(word) for word in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass  # threads and guests come and go
    return out


def descendants(pid):
    return [x for child in children(pid) for x in [child, *descendants(child)]]


def cmdline(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def cpu_ms(pid):
    """Processor time of a process and of its children that ended, in milliseconds."""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, words[11:15])) * 1000 // os.sysconf("SC_CLK_TCK")


def percentile(values, part):
    """The smallest value that at least this part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-part * len(ordered) // 1) - 1))]


def main(body):
    """Runs body in a temporary folder, which is gone afterwards; a failure is one message."""
    def end(signo, _):
        raise SystemExit(128 + signo)

    signal.signal(signal.SIGTERM, end)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="iapp-bench-"))
    try:
        body(folder)
    except Failed as e:
        log = folder / "up.log"
        print(f"{pathlib.Path(sys.argv[0]).name}: {e}", file=sys.stderr)
        if log.exists():
            print(log.read_text()[-2000:], file=sys.stderr, end="")
        sys.exit(1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
