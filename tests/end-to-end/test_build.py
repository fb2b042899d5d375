#!/usr/bin/env python3
"""iapp build and iapp test as users run them: Python and Node on Debian packages, C alone; the lock,
the labels, two builds of one lock, builds that are cut off, a plain uid, the exit codes."""
import glob
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import reach  # noqa: E402
import tap  # noqa: E402
from tap import Skip, case, check, equal  # noqa: E402

BUILD = os.environ["IA_BUILD"]
TOP = tempfile.mkdtemp(prefix="iapp-build-")
os.chmod(TOP, 0o755)
NOBODY = 65534


def environment(home, **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("IAPP_")}
    env.update(IAPP_HOME=home, IAPP_GUEST=reach.guest(), HOME=home, **more)
    return env


def start(cwd, *args, home=None, uid=None, **variables):
    home = home or os.path.join(TOP, "home")
    more = {"user": uid, "group": uid, "extra_groups": []} if uid else {}
    return subprocess.Popen([reach.iapp(), *args, "--json"], cwd=cwd,
                            env=environment(home, **variables), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def run(cwd, *args, **options):
    """Exit status, the object on stdout, stderr."""
    child = start(cwd, *args, **options)
    out, err = child.communicate(timeout=280)
    return child.returncode, json.loads(out), err.decode(errors="replace")


def good(cwd, *args, **options):
    status, answer, err = run(cwd, *args, **options)
    equal(status, 0, f"{args}: {answer} {err}")
    return answer


def project(name, lang, *features, root=TOP, **options):
    good(root, "init", name, "--lang", lang, *(["--with", ",".join(features)] if features else []),
         **options)
    return os.path.join(root, name)


def debian():
    """Debian's lists and archive are needed; a machine without them builds nothing on packages."""
    lists = glob.glob("/var/lib/apt/lists/*Packages*")
    if not shutil.which("apt-get") or not lists:
        raise Skip("no package lists of Debian here (apt-get update)")


def blob(archive, digest):
    data = archive.extractfile("blobs/sha256/" + digest.split(":")[1]).read()
    equal("sha256:" + hashlib.sha256(data).hexdigest(), digest, "digest of a blob")
    return data


def labels(answer):
    """Labels of the archive's image, whose digest is the one that was told."""
    with tarfile.open(answer["archive"]) as archive:
        index = json.load(archive.extractfile("index.json"))
        equal([m["digest"] for m in index["manifests"]], [answer["digest"]], "index of the archive")
        manifest = json.loads(blob(archive, answer["digest"]))
        config = json.loads(blob(archive, manifest["config"]["digest"]))
        for layer in manifest["layers"]:
            blob(archive, layer["digest"])
    return config["config"]["Labels"]


def locked(path):
    with open(os.path.join(path, "iapp.lock"), encoding="utf-8") as f:
        return json.load(f)


def check_packages(path, answer, name):
    """Version and digest of every package in the lock, and the same list in the image."""
    lock = locked(path)
    want = [f"{p['name']}={p['version']} {p['sha256']}" for p in lock["packages"]]
    check(any(p.startswith(name + "=") for p in want), f"{name} not in {want}")
    check(all(p["version"] and len(p["sha256"]) == 71 for p in lock["packages"]), str(lock))
    equal(labels(answer)["dev.iapp.packages"], "; ".join(want), "packages in the labels")


def rubbish(home):
    return [p for pattern in ("bases/scratch/*", "bases/tmp/*") for p in
            glob.glob(os.path.join(home, pattern))]


@case
def python_from_the_lock_twice_is_one_image():
    debian()
    path = project("py", "python", "args", "data")
    first = good(path, "build")
    check_packages(path, first, "python3")
    equal(good(path, "build", "--no-cache")["digest"], first["digest"], "built anew from the lock")
    answer = good(path, "test", "--data", "default", "--arg", "hello")
    equal(answer["exitCode"], 0, "exit code of the app")
    equal(rubbish(os.path.join(TOP, "home")), [], "left behind")


@case
def another_uid_builds_the_same_image():
    debian()
    if os.geteuid() != 0:
        raise Skip("this is a plain uid already")
    home = os.path.join(TOP, "plain")
    os.mkdir(home)
    shutil.copytree(os.path.join(TOP, "py"), os.path.join(home, "py"),
                    ignore=shutil.ignore_patterns(".iapp"))
    for folder, _, files in os.walk(home):
        for name in [folder] + [os.path.join(folder, f) for f in files]:
            os.chown(name, NOBODY, NOBODY)
    path = os.path.join(home, "py")
    options = {"home": os.path.join(home, "home"), "uid": NOBODY}
    mine = good(os.path.join(TOP, "py"), "build")
    equal(good(path, "build", **options)["digest"], mine["digest"], "built elsewhere by nobody")
    equal(good(path, "test", "--data", "default", **options)["exitCode"], 0, "run by nobody")


@case
def node_runs_on_debian_packages():
    debian()
    path = project("js", "js", "args", "data")
    answer = good(path, "build")
    check_packages(path, answer, "nodejs")
    equal(good(path, "test", "--data", "default")["exitCode"], 0, "exit code of the app")


@case
def what_npm_says_is_shown_with_a_fix():
    debian()
    if not shutil.which("npm"):
        raise Skip("no npm here")
    path = project("npm", "js")
    package = {"name": "npm", "version": "1.0.0"}
    for name, text in (("package.json", {**package, "dependencies": {"left-pad": "1.3.0"}}),
                       ("package-lock.json", {**package, "lockfileVersion": 3, "packages": {"": package}})):
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            json.dump(text, f)
    status, answer, _ = run(path, "build")
    error = answer["error"]
    if error["code"] == "UNAVAILABLE":
        raise Skip("the registry of npm cannot be reached")
    equal((status, error["code"], error["hint"]), (1, "BAD_CHECKSUM", "npm install --package-lock-only"), f"{error}")
    check("in sync" in error["message"], f"{error}")


@case
def a_build_that_is_killed_leaves_nothing_half_written():
    """Killed while it fetches, while it unpacks, while it packs: whatever the moment, nothing of it
    counts, and the next build is whole and clears up."""
    debian()
    home = os.path.join(TOP, "cut-home")
    path = project("cut", "python", home=home)
    for pause in (0.3, 2.0):
        child = start(path, "build", home=home)
        time.sleep(pause)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        if child.returncode == 0:
            break  # it was faster
        check(not os.path.exists(os.path.join(path, "iapp.lock")), "a lock of half a build")
        equal(glob.glob(os.path.join(home, "bases/refs/*")), [], "names of half a build")
    answer = good(path, "build", home=home)
    labels(answer)
    equal(rubbish(home), [], "left behind")
    for stored in glob.glob(os.path.join(home, "bases/blobs/sha256/*")):
        with open(stored, "rb") as f:
            equal(hashlib.sha256(f.read()).hexdigest(), os.path.basename(stored), "a stored blob")


@case
def c_is_built_twice_alike_and_a_changed_lock_is_refused():
    path = project("plain-c", "c", "data")
    first = good(path, "build")
    equal(good(path, "build", "--no-cache")["digest"], first["digest"], "the same sources")
    check(labels(first)["dev.iapp.toolchain"], "the compiler in the labels")
    lock = locked(path)
    lock["base"] = "python"
    with open(os.path.join(path, "iapp.lock"), "w", encoding="utf-8") as f:
        json.dump(lock, f)
    status, answer, _ = run(path, "build")
    equal(status, 1, "another language's lock")
    check("--update-lock" in answer["error"]["hint"], str(answer))


def docker_archive(oci, path, change=None):
    """What `docker save` writes, of the image in an OCI archive; the layer gzipped, or changed."""
    with tarfile.open(oci) as archive:
        index = json.load(archive.extractfile("index.json"))
        manifest = json.loads(blob(archive, index["manifests"][0]["digest"]))
        config = blob(archive, manifest["config"]["digest"])
        layers = [blob(archive, layer["digest"]) for layer in manifest["layers"]]
    plain = subprocess.run(["zstd", "-dc"], input=layers[-1], capture_output=True, check=True)
    layer = change(plain.stdout) if change else plain.stdout
    document = json.loads(config)
    document["rootfs"]["diff_ids"][-1] = "sha256:" + hashlib.sha256(layer).hexdigest()
    members = {"config.json": json.dumps(document).encode(), "one/layer.tar": gzip.compress(layer),
               "manifest.json": json.dumps([{"Config": "config.json", "RepoTags": ["a:1"],
                                             "Layers": ["one/layer.tar"]}]).encode()}
    with tarfile.open(path, "w") as out:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return path


def with_member(name, link=None):
    def change(layer):
        room = io.BytesIO(layer)
        with tarfile.open(fileobj=room, mode="a") as out:
            member = tarfile.TarInfo(name)
            if link:
                member.type, member.linkname = tarfile.LNKTYPE, link
            out.addfile(member)
        return room.getvalue()
    return change


@case
def images_made_elsewhere_are_taken_in():
    if not shutil.which("zstd"):
        raise Skip("no zstd to take a layer apart")
    source = project("source", "c")
    app(source, '  FILE *f = fopen("/iexec_out/r", "w"); return !f || fputs("x", f) < 0 || fclose(f);')
    oci = good(source, "build")
    path = project("taken", "python")
    equal(good(path, "test", "--image", oci["archive"])["exitCode"], 0, "an OCI archive")
    equal(good(path, "build", "--image", oci["archive"])["digest"], oci["digest"], "its digest")
    docker = docker_archive(oci["archive"], os.path.join(TOP, "docker.tar"))
    equal(good(path, "test", "--image", docker)["exitCode"], 0, "a docker archive")
    before = sorted(glob.glob(os.path.join(TOP, "home/bases/blobs/sha256/*")))
    for name, link in (("../../etc/evil", None), ("evil", "../../../etc/passwd"), ("d/" * 70, None)):
        bad = docker_archive(oci["archive"], os.path.join(TOP, "bad.tar"), with_member(name, link))
        status, answer, _ = run(path, "test", "--image", bad)
        equal((status, answer["error"]["code"]), (1, "IMAGE_REFUSED"), f"{name} {link}: {answer}")
    equal(sorted(glob.glob(os.path.join(TOP, "home/bases/blobs/sha256/*"))), before, "left behind")
    equal(rubbish(os.path.join(TOP, "home")), [], "left behind")


def real_file(name, data):
    path = os.path.join(TOP, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def app(path, body):
    with open(os.path.join(path, "src/app.c"), "w", encoding="utf-8") as f:
        f.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
                "int main(void)\n{\n" + body + "\n}\n")


@case
def exit_codes_of_test():
    path = project("codes", "c")
    data = real_file("real.csv", b"a,b\n1,2\n")
    app(path, """  char name[300], line[64] = "";
  snprintf(name, sizeof(name), "/iexec_in/%s", getenv("IEXEC_DATASET_FILENAME"));
  FILE *in = fopen(name, "r"), *out = fopen("/iexec_out/result.txt", "w");
  if (!in || !out || !fgets(line, sizeof(line), in)) return 7;
  fputs(line, out);
  return fclose(out);""")
    out = os.path.join(TOP, "out")
    good(path, "test", "--data", data, "--out", out)
    with open(os.path.join(out, "result.txt"), encoding="utf-8") as f:
        equal(f.read(), "a,b\n", "the app read the real file")
    for body, status, code in (
            ("  return 0;", 3, "BAD_OUTPUT"),
            ("  return 9;", 4, "APP_FAILED"),
            ("  abort();", 4, "APP_FAILED"),
            ("  for (;;) { char *p = malloc(1 << 24); if (p) memset(p, 1, 1 << 24); }", 5,
             "NO_RESOURCES")):
        app(path, body)
        got, answer, _ = run(path, "test")
        equal((got, answer["error"]["code"]), (status, code), body)
    status, answer, _ = run(path, "test", "--data", os.path.join(TOP, "absent.csv"))
    equal((status, answer["error"]["code"]), (1, "NOT_FOUND"), "data that is not there")


@case
def a_machine_that_swaps_is_refused_unless_allowed():
    home = os.path.join(TOP, "swap")
    os.mkdir(home, 0o700)
    path = project("swapping", "c", root=home, home=home)
    app(path, '  FILE *f = fopen("/iexec_out/r", "w"); return !f || fputs("x", f) < 0 || fclose(f);')
    if os.geteuid() == 0:
        for folder, _, files in os.walk(home):
            for name in [folder] + [os.path.join(folder, f) for f in files]:
                os.chown(name, NOBODY, NOBODY)
    swaps = real_file("swaps", b"Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n")
    options = {"home": home, "uid": NOBODY if os.geteuid() == 0 else None}
    status, answer, _ = run(path, "test", IAPP_TEST_SWAPS=swaps, **options)
    equal((status, answer["error"]["code"]), (5, "NO_RESOURCES"), "swap and no promise")
    check("--allow-swap" in answer["error"]["hint"], str(answer))
    good(path, "test", "--allow-swap", IAPP_TEST_SWAPS=swaps, **options)


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        shutil.rmtree(TOP, ignore_errors=True)
