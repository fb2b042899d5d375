#!/usr/bin/env python3
"""Images made elsewhere, as users bring them: what is imported runs (links, users, working folders), what
cannot run is refused at once, several images in one file, no project needed, nothing done twice."""
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import reach  # noqa: E402
import tap  # noqa: E402
from tap import Skip, case, check, equal  # noqa: E402

LAB = lab.Lab("images")
os.chmod(LAB.top, 0o755)
NOBODY = 65534
WHO = r"""#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
  char cwd[4096];
  gid_t groups[64];
  int n = getgroups(64, groups);
  FILE *f = fopen("/iexec_out/who", "w"), *here = fopen("here", "w");
  if (!f || !getcwd(cwd, sizeof(cwd))) return 7;
  fprintf(f, "%d %d %s %d", (int)getuid(), (int)getgid(), cwd, here != NULL);
  for (int i = 0; i < n; i++) fprintf(f, " +%d", (int)groups[i]);
  if (fclose(f)) return 8;
  f = fopen("/iexec_out/computed.json", "w");
  if (!f) return 9;
  fputs("{\"deterministic-output-path\":\"/iexec_out/who\"}", f);
  return fclose(f);
}
"""


class Made:
    """The program of all images."""
    who = b""


def layer(*entries):
    """A tar of (name, content, mode), (name, "-> target") or (name, "== target") or (name/,)."""
    room = io.BytesIO()
    with tarfile.open(fileobj=room, mode="w") as tar:
        for name, *rest in entries:
            member = tarfile.TarInfo(name.rstrip("/"))
            data = rest[0] if rest else b""
            if name.endswith("/"):
                member.type = tarfile.DIRTYPE
            elif isinstance(data, str) and data[:3] in ("-> ", "== "):
                member.type = tarfile.SYMTYPE if data[0] == "-" else tarfile.LNKTYPE
                member.linkname, data = data[3:], b""
            member.mode = rest[1] if len(rest) > 1 else 0o755
            data = data.encode() if isinstance(data, str) else data
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return room.getvalue()


def configuration(layers, run):
    return json.dumps({"config": run, "rootfs": {"type": "layers", "diff_ids": [
        "sha256:" + hashlib.sha256(x).hexdigest() for x in layers]}}).encode()


def write_tar(name, members):
    path = LAB.path(name)
    with tarfile.open(path, "w") as out:
        for member_name, data in members.items():
            member = tarfile.TarInfo(member_name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    os.chmod(path, 0o644)
    return path


def docker(name, *images):
    """A docker archive of (tags, layers, run)."""
    members, rows = {}, []
    for i, (tags, layers, run) in enumerate(images):
        members[f"{i}.json"] = configuration(layers, run)
        names = [f"{i}-{k}/layer.tar" for k in range(len(layers))]
        members.update(zip(names, layers))
        rows.append({"Config": f"{i}.json", "RepoTags": tags, "Layers": names})
    members["manifest.json"] = json.dumps(rows).encode()
    return write_tar(name, members)


def layout(name, *images):
    """An OCI layout of (annotations, platform, layers, run)."""
    members, rows = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}, []

    def put(data, media):
        digest = hashlib.sha256(data).hexdigest()
        members["blobs/sha256/" + digest] = data
        return {"mediaType": media, "digest": "sha256:" + digest, "size": len(data)}

    for annotations, platform, layers, run in images:
        config = put(configuration(layers, run), "application/vnd.oci.image.config.v1+json")
        parts = [put(x, "application/vnd.oci.image.layer.v1.tar") for x in layers]
        row = put(json.dumps({"schemaVersion": 2, "config": config, "layers": parts}).encode(),
                  "application/vnd.oci.image.manifest.v1+json")
        rows.append({**row, **({"annotations": annotations} if annotations else {}),
                     **({"platform": platform} if platform else {})})
    members["index.json"] = json.dumps({"schemaVersion": 2, "manifests": rows}).encode()
    return write_tar(name, members)


def test_image(path, *args, uid=None, home=None):
    """iapp test of an image outside any project: exit status, answer, what the app wrote."""
    home = home or LAB.home
    out = os.path.join(home, "result")
    shutil.rmtree(out, ignore_errors=True)
    more = {"user": uid, "group": uid, "extra_groups": []} if uid else {}
    done = subprocess.run([reach.iapp(), "test", "--image", path, "--out", out, *args, "--json"],
                          cwd="/", capture_output=True, timeout=240, check=False,
                          stdin=subprocess.DEVNULL,
                          env={**LAB.env(), "IAPP_HOME": home, "HOME": home,
                               "IAPP_GUEST": reach.guest()}, **more)
    answer = json.loads(done.stdout)
    text = None
    if done.returncode == 0:
        with open(os.path.join(out, "who"), encoding="utf-8") as f:
            text = f.read()
    return done.returncode, answer, text


PASSWD = "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n"
GROUP = "root:x:0:\nstaff:x:50:app\ndata:x:77:\n"


def images_that_run():
    who = Made.who
    names = (("etc/passwd", PASSWD, 0o644), ("etc/group", GROUP, 0o644))
    plain = ("app", who)
    return [
        ("absolute link", [("bin/real", who), ("app", "-> /bin/real")], {}, "0 0 / 0"),
        ("link to a folder", [("opt/v2/app", who), ("opt/v1", "-> v2"), ("srv", "-> /opt")],
         {"Entrypoint": ["/srv/v1/app"]}, "0 0 / 0"),
        ("hard link to a link", [("real", who), ("l", "-> real"), ("app", "== l")], {}, "0 0 / 0"),
        ("chain", [("a", "-> b"), ("b", "-> ../c"), ("c", "-> d/e"), ("d/e", who)],
         {"Entrypoint": ["/a"]}, "0 0 / 0"),
        ("interpreter by a link", [("run", "#!/i/sh x\n", 0o755), ("i", "-> lib/tools"),
                                   ("lib/tools/sh", "-> real"), ("lib/tools/real", who)],
         {"Entrypoint": ["/run"]}, "0 0 / 0"),
        ("found in PATH", [("opt/app", who)], {"Cmd": ["app"], "Env": ["PATH=/x:/opt"],
                                               "Entrypoint": None}, "0 0 / 0"),
        ("absent folder", [plain], {"WorkingDir": "/srv/new/one"}, "0 0 /srv/new/one 0"),
        ("folder by a link", [plain, ("w", "-> /tmp/w")], {"WorkingDir": "/w"}, "0 0 /tmp/w 1"),
        ("below a mount", [plain], {"WorkingDir": "/tmp/a/b", "User": "1000"}, "1000 0 /tmp/a/b 1"),
        ("in the output", [plain], {"WorkingDir": "/iexec_out/sub"}, "0 0 /iexec_out/sub 1"),
        ("user by name", [plain, *names], {"User": "app"}, "1000 1001 / 0 +50"),
        ("user and group", [plain, *names], {"User": "app:data"}, "1000 77 / 0"),
        ("numbers", [plain], {"User": "65532:65532", "WorkingDir": "/tmp"}, "65532 65532 /tmp 1"),
    ]


def run_them(uid=None, home=None):
    for name, entries, run, want in images_that_run():
        path = docker("run.tar", (None, [layer(*entries)], {"Entrypoint": ["/app"], **run}))
        status, answer, text = test_image(path, uid=uid, home=home)
        equal(status, 0, f"{name}: {answer}")
        if uid or os.geteuid() != 0:  # with one id of its own there are no other groups
            want = want.split(" +")[0]
        equal(text.replace(" +0", ""), want, name)


@case
def what_is_imported_runs():
    source = LAB.write("who.c", WHO)
    subprocess.run(["cc", "-static", "-O1", "-o", LAB.path("who"), source], check=True)
    with open(LAB.path("who"), "rb") as f:
        Made.who = f.read()
    run_them()


@case
def and_as_a_plain_uid():
    if os.geteuid() != 0:
        raise Skip("this is a plain uid already")
    home = LAB.path("nobody")
    os.mkdir(home, 0o700)
    os.chown(home, NOBODY, NOBODY)
    run_them(NOBODY, home)


@case
def what_cannot_run_is_refused_at_the_import_with_a_fix():
    who = Made.who
    for entries, run, words in (
            ([("app", who)], {"Entrypoint": None}, "names no program"),
            ([("app", who)], {"Entrypoint": ["/gone"]}, "/gone is not in the image"),
            ([("app", who, 0o644)], {}, "not executable"),
            ([("app", "#!/bin/bash\n")], {}, "needs /bin/bash"),
            ([("app", who)], {"User": "ghost"}, "ghost: not in /etc/passwd"),
            ([("app", who)], {"WorkingDir": "/app"}, "not a folder"),
            ([("app", who)], {"WorkingDir": "/iexec_in/x"}, "read-only")):
        path = docker("bad.tar", (None, [layer(*entries)], {"Entrypoint": ["/app"], **run}))
        status, answer, _ = test_image(path)
        equal((status, answer["error"]["code"]), (1, "IMAGE_REFUSED"), f"{run}: {answer}")
        check(words in answer["error"]["message"] and answer["error"]["hint"], f"{words}: {answer}")


@case
def one_of_several_images_is_named():
    def image(text):
        return [layer(("app", Made.who), ("etc/passwd", f"x:x:{text}:0::/:/\n", 0o644))]

    run = {"Entrypoint": ["/app"], "User": "x"}
    saved = docker("two.tar", (["a:1", "docker.io/library/a:latest"], image(11), run),
                   (["example.org/b:2"], image(22), run))
    name = "org.opencontainers.image.ref.name"
    arm = {"os": "linux", "architecture": "arm64"}
    both = layout("both.tar", ({"io.containerd.image.name": "docker.io/library/a:1", name: "1"}, None,
                               image(11), run), ({name: "b:2"}, None, image(22), run))
    for path, tag, uid in ((saved, "a:1", 11), (saved, "a", 11), (saved, "example.org/b:2", 22),
                           (both, "a:1", 11), (both, "1", 11), (both, "b:2", 22)):
        status, answer, text = test_image(path, "--tag", tag)
        equal((status, text and text.split()[0]), (0, str(uid)), f"{path} {tag}: {answer}")
    for path in (saved, both):
        status, answer, _ = test_image(path)
        equal((status, answer["error"]["code"]), (1, "IMAGE_REFUSED"), f"{answer}")
        check("--tag" in answer["error"]["hint"] and "a:1" in answer["error"]["hint"], f"{answer}")
        status, answer, _ = test_image(path, "--tag", "c:3")
        equal((status, answer["error"]["code"]), (1, "NOT_FOUND"), f"{answer}")
        check("a:1" in answer["error"]["hint"], f"the names there are: {answer}")
    mixed = layout("mixed.tar", (None, arm, image(33), run),
                   (None, {"os": "linux", "architecture": "amd64"}, image(44), run))
    equal(test_image(mixed)[2].split()[0], "44", "the one for this platform")
    status, answer, _ = test_image(layout("arm.tar", (None, arm, image(1), run),
                                          (None, {"os": "linux", "architecture": "s390x"}, image(2), run)))
    check("linux/amd64" in answer["error"]["message"] and "build" in answer["error"]["hint"], f"{answer}")
    LAB.refused(None, "test", "--tag", "a:1", code="USAGE", status=2)


def everything(folder):
    """Every file and folder below a folder with what would tell that it was written."""
    found = {}
    for top, names, files in os.walk(folder):
        for n in names + files:
            st = os.lstat(os.path.join(top, n))
            found[os.path.join(top, n)] = (st.st_ino, st.st_mtime_ns, st.st_size)
    return found


def changed(folder, before):
    now = everything(folder)
    return sorted(p for p in {*before, *now} if before.get(p) != now.get(p))


@case
def a_second_import_writes_nothing():
    run = {"Entrypoint": ["/app"]}
    entries = layer(("app", Made.who), ("more", os.urandom(1 << 20)))
    store = os.path.join(LAB.home, "bases")
    for path in (docker("again.tar", (None, [entries], run)), layout("oci.tar", (None, None, [entries], run))):
        first = LAB.good(None, "build", "--image", path)
        before = everything(store)
        equal(LAB.good(None, "build", "--image", path)["digest"], first["digest"], "the same image")
        equal(changed(store, before), [], "changed by a second import")
    os.utime(path)
    LAB.good(None, "build", "--image", path)
    equal(changed(store, before), [], "changed by the same bytes under a newer date")


@case
def an_image_needs_no_project():
    path = docker("my-app.tar", (None, [layer(("app", Made.who))], {"Entrypoint": ["/app"]}))
    folder = LAB.path("elsewhere")
    os.mkdir(folder)
    answer = LAB.good(None, "build", "--image", path, cwd=folder)
    check(os.path.exists(answer["archive"]), f"the archive: {answer}")
    equal(LAB.good(None, "test", "--image", path, cwd=folder)["exitCode"], 0, "a test")
    equal(os.listdir(folder), [], "nothing is left in the folder")
    LAB.refused(None, "test", "--image", path, "--data", "default", code="USAGE", status=2, cwd=folder)
    error = LAB.refused(None, "test", code="NOT_FOUND", cwd=folder)
    check("iapp init" in error["hint"], f"{error}")


@case
def an_unchanged_app_is_deployed_with_one_order():
    LAB.up("--test")
    owner = LAB.wallet()
    path = docker("my-app.tar", (None, [layer(("app", Made.who))], {"Entrypoint": ["/app"]}))
    first = LAB.good(owner, "deploy", "--image", path)
    status, out, err = LAB.said(owner, "deploy", "--image", path)
    equal(status, 0, err)
    check("no second one" in out and "the same app" in out, f"told: {out}")
    again = LAB.good(owner, "deploy", "--image", path)
    equal((again["address"], again["orderHash"]), (first["address"], first["orderHash"]), "the same")

    def orders():
        return LAB.good(None, "orders", "--app", first["address"])["orders"]

    equal(len(orders()), 1, "orders of the app")
    other = LAB.good(owner, "deploy", "--image", path, "--price", "1RLC")
    check(other["orderHash"] != first["orderHash"], "other terms are another order")
    equal(len(orders()), 2, "orders of the app")
    equal(LAB.good(owner, "deploy", "--image", path)["orderHash"], first["orderHash"], "the first terms")
    equal(LAB.stop(), 0, "exit status")


try:
    tap.main()
finally:
    LAB.close()
