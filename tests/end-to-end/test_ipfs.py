#!/usr/bin/env python3
"""The blob store with large files and with clients that behave badly: memory of the process stays
bounded, others are served, and nothing half-written is left."""
import concurrent.futures
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("ipfs")
MIB = 1 << 20
BLOCK = 256 * 1024
LARGE = 300 * MIB
# made by ipfs-unixfs-importer 17.1.1 (npm) of the same bytes, as vectors/unixfs/README says: chunks of
# 262144, 174 links; 1,200 leaves under seven nodes
LARGE_CID = "QmefDMMhRCkTrNf1e4vtpTrcCGa68kYKMGYzsduo1Sm3w3"
LARGE_DAG = 314647630
CLIENTS = 100
BOUNDARY = "-" * 29 + "of-a-test-0123456789a"
HEAD = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n").encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


def pattern(at):
    """A block of: byte i = (7 i + (i >> 8) + (i >> 16)) mod 256."""
    return b"".join(bytes((7 * j + (i >> 8) + (i >> 16)) & 255 for j in range(256))
                    for i in range(at, at + BLOCK, 256))


# what the pattern adds in the upper bits is the same for all 256 bytes of a run: it repeats every 2^24
BLOCKS = [pattern(at) for at in range(0, 1 << 24, BLOCK)]


def front():
    for pid in proc.children(LAB.daemon.pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if b"front" in f.read().split(b"\0"):
                    return pid
        except OSError:
            continue
    raise AssertionError("no front process")


def number(path, name):
    with open(path, encoding="ascii") as f:
        for line in f:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    raise AssertionError(name)


def resident(pid):
    return number(f"/proc/{pid}/status", "VmRSS") * 1024


class Peak:
    """The most memory that a process held since."""

    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")
        self.before = resident(pid)

    def grown(self):
        return number(f"/proc/{self.pid}/status", "VmHWM") * 1024 - self.before


def host():
    return LAB.config["rpcUrl"].split("//")[1].rstrip("/")


def connect():
    s = socket.create_connection(("127.0.0.1", int(LAB.config["rpcUrl"].rsplit(":", 1)[1])), 60)
    s.settimeout(60)
    return s


def begin_upload():
    s = connect()
    s.sendall(f"POST /api/v0/add?stream-channels=true&progress=false HTTP/1.1\r\nHost: {host()}\r\n"
              f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
              "Transfer-Encoding: chunked\r\n\r\n".encode())
    chunk(s, HEAD)
    return s


def chunk(s, data):
    s.sendall(b"%x\r\n" % len(data) + data + b"\r\n")


def end_upload(s):
    chunk(s, TAIL)
    s.sendall(b"0\r\n\r\n")
    with s.makefile("rb") as f:
        status = int(f.readline().split()[1])
        fields = {}
        for line in iter(f.readline, b"\r\n"):
            name, value = line.decode().split(":", 1)
            fields[name.lower()] = value.strip()
        body = f.read(int(fields["content-length"]))
    s.close()
    return status, json.loads(body)


def ask(method, path, **headers):
    rq = urllib.request.Request(LAB.config["ipfsGatewayUrl"] + path, method=method, headers=headers)
    try:
        with urllib.request.urlopen(rq, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def files():
    top = LAB.path("home/front/blobs")
    return sorted(os.path.join(d, n) for d, _, names in os.walk(top) for n in names)


@case
def a_front_starts():
    # freed memory of the sanitizer's quarantine is not what is measured here
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=16"
    LAB.daemon, LAB.config = LAB.start(lab.IAPPD, "run", "--home", LAB.home, "--port", "0", "--json",
                                       "--test", "--role", "ledger,market,ipfs", ASAN_OPTIONS=options)


@case
def a_large_file_goes_up_in_constant_memory():
    peak = Peak(front())
    s = begin_upload()
    for at in range(0, LARGE, BLOCK):
        chunk(s, BLOCKS[at % (1 << 24) // BLOCK])
    status, answer = end_upload(s)
    equal((status, answer), (200, {"Name": LARGE_CID, "Hash": LARGE_CID, "Size": str(LARGE_DAG)}),
          "answer")
    check(peak.grown() < 24 * MIB, f"grown by {peak.grown() >> 20} MiB for {LARGE >> 20}")


@case
def its_head_reads_nothing():
    pid = front()
    before = number(f"/proc/{pid}/io", "rchar")
    for _ in range(20):
        status, headers, body = ask("HEAD", f"/ipfs/{LARGE_CID}")
        equal((status, headers["Content-Length"], body), (200, str(LARGE), b""), "HEAD")
        equal(headers["Content-Type"], "application/octet-stream", "type")
    grown = number(f"/proc/{pid}/io", "rchar") - before
    check(grown < 64 * 1024, f"{grown} bytes read for 20 requests")


@case
def parts_of_it_come_alone():
    peak = Peak(front())
    for first, last in ((0, 0), (262143, 262144), (LARGE - 5, LARGE - 1), (45613056, 45613060)):
        status, headers, body = ask("GET", f"/ipfs/{LARGE_CID}", Range=f"bytes={first}-{last}")
        equal((status, headers["Content-Range"]), (206, f"bytes {first}-{last}/{LARGE}"), "part")
        equal(list(body), [(7 * i + (i >> 8) + (i >> 16)) & 255 for i in range(first, last + 1)],
              f"bytes from {first}")
    check(peak.grown() < 24 * MIB, f"grown by {peak.grown() >> 20} MiB")


@case
def it_comes_down_whole():
    peak = Peak(front())
    with urllib.request.urlopen(f"{LAB.config['ipfsGatewayUrl']}/ipfs/{LARGE_CID}", timeout=60) as a:
        for at in range(0, LARGE, BLOCK):
            check(a.read(BLOCK) == BLOCKS[at % (1 << 24) // BLOCK], f"bytes from {at}")
        equal(a.read(1), b"", "end")
    check(peak.grown() < 24 * MIB, f"grown by {peak.grown() >> 20} MiB")


@case
def clients_that_never_read_block_nobody():
    pid = front()
    peak = Peak(pid)
    deaf = []
    for _ in range(CLIENTS):
        s = connect()
        s.sendall(f"GET /ipfs/{LARGE_CID} HTTP/1.1\r\nHost: {host()}\r\n\r\n".encode())
        deaf.append(s)
    for s in deaf:
        check(s.recv(8, socket.MSG_PEEK), "the answer began")
    small = begin_upload()
    chunk(small, b"others are served")
    status, answer = end_upload(small)
    equal(status, 200, "upload beside them")
    equal(ask("GET", f"/ipfs/{answer['Hash']}")[2], b"others are served", "download beside them")
    equal(json.loads(ask("GET", "/version")[2])["ok"], True, "market beside them")
    full = resident(pid)
    time.sleep(1)  # what would grow by itself has the time to
    equal(ask("HEAD", f"/ipfs/{LARGE_CID}")[0], 200, "and still")
    # a chunk, the hashes of the leaves and what the library keeps, for each
    most = CLIENTS * 512 * 1024 + 16 * MIB
    check(peak.grown() < most, f"grown by {peak.grown() >> 20} MiB")
    check(resident(pid) < full + 4 * MIB, "does not grow while nobody reads")
    for s in deaf:
        s.close()


@case
def senders_that_stop_block_nobody():
    silent = [begin_upload() for _ in range(CLIENTS)]
    for s in silent[:CLIENTS // 2]:
        chunk(s, b"and no more")
    s = begin_upload()
    chunk(s, b"others still upload")
    status, answer = end_upload(s)
    equal(status, 200, "upload beside them")
    equal(ask("GET", f"/ipfs/{answer['Hash']}")[2], b"others still upload", "and its download")
    for s in silent:
        s.setblocking(False)
        try:
            check(not s.recv(1), "none of them had to be ended for it")
            raise AssertionError("one of them was ended for it")
        except BlockingIOError:
            pass
        s.close()


def upload_of(i):
    s = begin_upload()
    for k in range(i % 10):  # from nothing to more than the server holds at a time
        chunk(s, BLOCKS[(i + k) % len(BLOCKS)])
    return end_upload(s)


@case
def many_senders_at_once_are_served_in_turn():
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(upload_of, range(40)))
    for i, (status, answer) in enumerate(answers):
        equal(status, 200, f"upload {i}")
        want = b"".join(BLOCKS[(i + k) % len(BLOCKS)] for k in range(i % 10))
        equal(ask("GET", f"/ipfs/{answer['Hash']}")[2], want, f"bytes of upload {i}")


@case
def a_cut_upload_leaves_nothing():
    before = files()
    s = begin_upload()
    for block in BLOCKS[:20]:
        chunk(s, block)
    deadline = time.monotonic() + 60
    while files() == before and time.monotonic() < deadline:
        time.sleep(0.01)
    check(files() != before, "it is being written")
    s.close()
    while files() != before and time.monotonic() < deadline:
        time.sleep(0.01)
    equal(files(), before, "files of the store")


@case
def a_body_that_breaks_off_inside_its_form_is_refused():
    before = files()
    s = begin_upload()
    chunk(s, b"no boundary follows")
    s.sendall(b"0\r\n\r\n")
    with s.makefile("rb") as f:
        equal(int(f.readline().split()[1]), 400, "status")
    s.close()
    equal(files(), before, "files of the store")


@case
def it_ends_on_sigterm():
    equal(LAB.stop(), 0, "exit status")


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        LAB.close()
