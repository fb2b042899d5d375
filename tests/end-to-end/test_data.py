#!/usr/bin/env python3
"""protect --dry-run and get through the real program: every case of tests/vectors/data, inputs as
people give them, and what a bad input leaves behind: nothing."""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

IAPP = os.path.join(os.environ["IA_BUILD"], "iapp")
VECTORS = os.path.join(HERE, "../vectors/data")
TOP = tempfile.mkdtemp(prefix="iapp-data-")
with open(os.path.join(VECTORS, "cases.json"), encoding="utf-8") as cases_file:
    CASES = json.load(cases_file)


def run(*args):
    """Exit status and the object that --json printed."""
    done = subprocess.run([IAPP, *args, "--json", "--home", os.path.join(TOP, "home")],
                          capture_output=True, timeout=60, check=False, cwd=TOP,
                          stdin=subprocess.DEVNULL)
    check(done.stdout.count(b"\n") == 1, f"one line from {args}: {done.stdout!r} {done.stderr!r}")
    return done.returncode, json.loads(done.stdout)


def good(*args):
    status, answer = run(*args)
    check(status == 0 and "error" not in answer, f"{args}: {status} {answer}")
    return answer


def refused(codes, *args):
    status, answer = run(*args)
    check(status == 1, f"{args}: exit {status}")
    error = answer["error"]
    equal(sorted(error), ["code", "hint", "message"], "members of an error")
    check(error["code"] in codes, f"{args}: {error}, want {codes}")


def of_kind(*kinds):
    return [c for c in CASES if c["kind"] in kinds]


def file_of(c, what="file"):
    return os.path.join(VECTORS, c[what])


def write(name, text):
    path = os.path.join(TOP, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def same(want, got):
    """Long values stand as their hash."""
    if isinstance(want, dict) and "$hex_sha256" in want:
        return hashlib.sha256(bytes.fromhex(got["$hex"])).hexdigest() == want["$hex_sha256"]
    if isinstance(want, dict) and "$str_sha256" in want:
        return hashlib.sha256(got.encode()).hexdigest() == want["$str_sha256"]
    return want == got


def input_of(c):
    if c["name"] == "long-string":
        return {"s": "abc" * 30000}
    if c["name"] == "very-long-string":
        return {"s": "a" * 300000}
    if c["name"] == "bin-1MiB":
        blob = b"".join(hashlib.sha512(str(i).encode()).digest() for i in range(16384))
        return {"blob": {"$hex": blob.hex()}}
    return c["input"]


@case
def valid_inputs_give_schema_entries_and_values():
    for c in of_kind("valid"):
        source = write("in.json", json.dumps(input_of(c)))
        out = os.path.join(TOP, "out.zip")
        equal(good("protect", "--dry-run", "--out", out, source),
              {"schema": c["schema"], "entries": c["entries"]}, c["name"])
        equal(os.stat(out).st_mode & 0o777, 0o600, "mode of the plain archive")
        for path, want in c["values"].items():
            got = good("get", out, path, want["type"])["value"]
            check(same(want["value"], got), f"{c['name']} {path}: {str(got)[:200]}")


@case
def archives_of_npm_are_read_plain_and_encrypted():
    for c in of_kind("valid", "legacy"):
        key = ["--key", c["key"], "--checksum", c["checksum"]]
        old = ["--legacy"] if c["kind"] == "legacy" else []
        equal(good("get", file_of(c))["entries"], c["entries"], c["name"])
        equal(good("get", file_of(c, "encrypted"), *key)["entries"], c["entries"], c["name"])
        for path, want in list(c["values"].items())[:2]:
            got = good("get", file_of(c, "encrypted"), path, want["type"], *key, *old)["value"]
            check(same(want["value"], got), f"{c['name']} {path}: {str(got)[:200]}")


@case
def bad_inputs_are_refused_by_class_and_leave_nothing():
    for c in of_kind("refuse"):
        text = c["input"] if isinstance(c["input"], str) else json.dumps(c["input"])
        source, out = write("in.json", text), os.path.join(TOP, "never.zip")
        refused([c["error"]], "protect", "--dry-run", "--out", out, source)
        check(not [f for f in os.listdir(TOP) if f.startswith("never")], "nothing half-written")


@case
def bad_archives_are_refused_by_class():
    for c in of_kind("malformed"):
        for r in c["reads"] or [{"path": None, "type": None, "error": c["error"]}]:
            where = [] if r["path"] is None else [r["path"], r["type"]]
            if r["error"]:
                refused([r["error"], *c.get("also", [])], "get", file_of(c), *where)
            else:
                equal(good("get", file_of(c), *where)["value"], r["want"], c["name"])


@case
def bad_archives_are_refused_alike_when_encrypted_and_print_nothing():
    for c in of_kind("malformed"):
        if "encrypted" not in c:
            continue
        key = ["--key", c["key"], "--checksum", c["checksum"]]
        for r in c["reads"] or [{"path": None, "type": None, "error": c["error"]}]:
            where = [] if r["path"] is None else [r["path"], r["type"]]
            if not r["error"]:
                equal(good("get", file_of(c, "encrypted"), *where, *key)["value"], r["want"],
                      c["name"])
                continue
            refused([r["error"], *c.get("also", [])], "get", file_of(c, "encrypted"), *where, *key)
            done = subprocess.run([IAPP, "get", file_of(c), *where], capture_output=True,
                                  timeout=60, check=False, stdin=subprocess.DEVNULL)
            equal((done.returncode, done.stdout), (1, b""), f"{c['name']}: text mode")


@case
def lenient_changes_nothing_of_sound_archives():
    for c in of_kind("valid", "legacy"):
        old = ["--legacy"] if c["kind"] == "legacy" else []
        equal(good("get", file_of(c), "--lenient")["entries"], c["entries"], c["name"])
        for path, want in c["values"].items():
            got = good("get", file_of(c), path, want["type"], "--lenient", *old)["value"]
            check(same(want["value"], got), f"{c['name']} {path}: {str(got)[:200]}")


@case
def lenient_reads_what_npm_reads():
    for c in of_kind("malformed"):
        for r in c["reads"]:
            npm = r["reference"]["optimistic"]
            status, answer = run("get", file_of(c), r["path"], r["type"], "--lenient")
            equal(status == 0, "value" in npm, f"{c['name']} {r['path']}: {answer}")
            if status == 0:
                check(same(npm["value"], answer["value"]), f"{c['name']}: {answer} {npm}")


@case
def bad_ciphers_are_refused_by_class():
    for c in of_kind("cipher"):
        refused([c["error"], *c.get("also", [])], "get", file_of(c, "encrypted"),
                "--key", c["key"], "--checksum", c["checksum"])


@case
def values_come_as_people_give_them():
    png = os.path.join(TOP, "dot.png")
    with open(png, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + bytes(100))
    answers = write("answers.json", '[1, null, {"a": 2}]')
    more = write("more.json", '{"count": 7, "user": {"city": "Lyon"}}')
    out = os.path.join(TOP, "people.zip")
    got = good("protect", "--dry-run", "--out", out, "user.name=Ann=Lee", f"user.picture=@{png}",
               f"raw=@{png}", "--type", "raw=application/octet-stream",
               "--json-string", f"answers={answers}")
    equal(json.loads(got["schema"]),
          {"user": {"name": "string", "picture": "image/png"},
           "raw": "application/octet-stream", "answers": "string"}, "schema")
    equal(good("get", out, "user.name", "string")["value"], "Ann=Lee", "text with an equals sign")
    equal(good("get", out, "answers", "string")["value"], '[1, null, {"a": 2}]', "JSON as text")
    equal(good("get", out, "user.name")["value"], "Ann=Lee", "without a type")
    with open(more, encoding="ascii") as f:
        done = subprocess.run([IAPP, "protect", "--dry-run", "-", "--json"], stdin=f,
                              capture_output=True, timeout=60, check=True, cwd=TOP)
    equal(json.loads(done.stdout)["entries"], ["count", "user/", "user/city"], "standard input")
    refused(["EXISTS"], "protect", "--dry-run", "a=1", "a=2")
    refused(["UNKNOWN_TYPE"], "protect", "--dry-run", "a=1", "--type", "a=image/png")
    refused(["BAD_INPUT_KEY"], "protect", "--dry-run", "a b=1")


def peak_of(*args):
    """KiB of memory at most."""
    script = ("import resource,subprocess,sys;subprocess.run(sys.argv[1:],check=True,"
              "stdout=subprocess.DEVNULL);"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", script, IAPP, *args], capture_output=True,
                          timeout=60, check=True)
    return int(done.stdout.split()[-1])


@case
def a_large_file_needs_little_memory():
    path, out = os.path.join(TOP, "large"), os.path.join(TOP, "large.zip")
    with open(path, "wb") as f:
        f.truncate(64 << 20)
    peak = peak_of("protect", "--dry-run", "--out", out, f"blob=@{path}")
    check(peak < 64 << 10, f"{peak} KiB for a file of 64 MiB")
    check(os.stat(out).st_size > 64 << 20, "the archive is there")
    with open(os.path.join(TOP, "back"), "wb") as back:
        subprocess.run([IAPP, "get", out, "blob", "application/octet-stream"], stdout=back,
                       timeout=60, check=True)
    equal(os.stat(back.name).st_size, 64 << 20, "bytes read back")


@case
def a_large_encrypted_file_needs_little_memory():
    if not shutil.which("openssl"):
        raise tap.Skip("no openssl program")
    sealed, key, iv = os.path.join(TOP, "large.enc"), bytes(range(32)), bytes(16)
    with open(sealed, "wb") as f:
        f.write(iv)
        f.flush()
        subprocess.run(["openssl", "enc", "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex(), "-in",
                        os.path.join(TOP, "large.zip")], stdout=f, timeout=60, check=True)
    with open(sealed, "rb") as f:
        checksum = "0x" + hashlib.file_digest(f, "sha256").hexdigest()
    peak = peak_of("get", sealed, "blob", "application/octet-stream", "--key",
                   base64.b64encode(key).decode(), "--checksum", checksum)
    check(peak < 64 << 10, f"{peak} KiB for a file of 64 MiB")


try:
    tap.main()
finally:
    shutil.rmtree(TOP, ignore_errors=True)
