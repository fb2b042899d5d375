#!/usr/bin/env python3
"""Python projects with requirements, as users have them: wheels, sources that are built in the sandbox, what
pip says when it fails, libraries that are missing, locks that no longer fit. A local folder stands for the
package index; what needs the real one is skipped without it."""
import base64
import glob
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import reach  # noqa: E402
import tap  # noqa: E402
from tap import Skip, case, check, equal  # noqa: E402

TOP = tempfile.mkdtemp(prefix="iapp-python-")
os.chmod(TOP, 0o755)
HOME, OFFERED = os.path.join(TOP, "home"), os.path.join(TOP, "offered")
os.mkdir(OFFERED)
# requirements.txt of iExec's generator 2.0.0, template Python3.13
GENERATOR = """# requirements must be compatible with python 3.13.3
pyfiglet==1.0.2
# <<protectedData|bulkProcessing>>
borsh-construct==0.1.0
# <</protectedData|bulkProcessing>>"""
APP = """import json
import os
OUT = os.environ["IEXEC_OUT"]
def text():
{body}
with open(OUT + "/result.txt", "w") as f:
    f.write(text())
with open(OUT + "/computed.json", "w") as f:
    json.dump({{"deterministic-output-path": OUT + "/result.txt"}}, f)
"""


def run(path, *args, index=False):
    """Exit status, the object on stdout, stderr."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("IAPP_", "PIP_")) or
           (index and k.startswith("PIP_"))}
    env.update(IAPP_HOME=HOME, IAPP_GUEST=reach.guest(), HOME=HOME)
    if not index:
        env.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=OFFERED, PIP_CONFIG_FILE="/dev/null")
    done = subprocess.run([reach.iapp(), *args, "--json"], cwd=path, env=env, capture_output=True,
                          timeout=600, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, json.loads(done.stdout), done.stderr.decode(errors="replace")


def good(path, *args, **options):
    status, answer, err = run(path, *args, **options)
    equal(status, 0, f"{args}: {answer} {err}")
    return answer


def refused(path, *args, code, **options):
    status, answer, _ = run(path, *args, **options)
    equal((status, answer.get("error", {}).get("code")), (1, code), f"{args}: {answer}")
    check(answer["error"]["hint"], f"a fix: {answer}")
    return answer["error"]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def project(name, requirements, body='    return "nothing"', **config):
    path = os.path.join(TOP, name)
    write(os.path.join(path, "iapp.config.json"),
          json.dumps({"projectName": name, "template": "Python3.13", **config}))
    write(os.path.join(path, "requirements.txt"), requirements)
    write(os.path.join(path, "src/app.py"), APP.format(body=body))
    return path


def result(path):
    with open(os.path.join(path, ".iapp/output/result.txt"), encoding="utf-8") as f:
        return f.read()


def lock(path):
    with open(os.path.join(path, "iapp.lock"), encoding="utf-8") as f:
        return json.load(f)


def debian():
    if not shutil.which("apt-get") or not glob.glob("/var/lib/apt/lists/*Packages*"):
        raise Skip("no package lists of Debian here (apt-get update)")


def wheel(name, version, files, tag="py3-none-any", requires=()):
    """A wheel in the folder that stands for the index."""
    info = f"{name}-{version}.dist-info"
    files = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(
        f"Requires-Dist: {r}\n" for r in requires),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: {tag}\n"}
    record = ""
    with zipfile.ZipFile(os.path.join(OFFERED, f"{name}-{version}-{tag}.whl"), "w") as z:
        for path, data in files.items():
            data = data if isinstance(data, bytes) else data.encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(data)}\n"
            z.writestr(zipfile.ZipInfo(path), data)
        z.writestr(zipfile.ZipInfo(f"{info}/RECORD"), record + f"{info}/RECORD,,\n")


BACKEND = """import os, socket, zipfile
def wheel_of(directory):
    try:
        socket.create_connection(("127.0.0.1", 9), 1)
        net = "reached"
    except OSError as e:
        net = type(e).__name__
    seen = {"host": os.path.exists(%r), "net": net, "name": os.uname().nodename, "uid": os.getuid()}
    info = "%s-1.0.dist-info"
    files = {"%s.py": "SEEN = %%r\\n" %% seen,
             info + "/METADATA": "Metadata-Version: 2.1\\nName: %s\\nVersion: 1.0\\n",
             info + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
    name = "%s-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as z:
        for path, text in files.items():
            z.writestr(zipfile.ZipInfo(path), text)
        z.writestr(zipfile.ZipInfo(info + "/RECORD"), "".join(p + ",,\\n" for p in [*files, info + "/RECORD"]))
    return name
def build_wheel(directory, config_settings=None, metadata_directory=None):
%s    return wheel_of(directory)
"""


def source(name, before=""):
    """A source with a builder of its own, which tells what it could see; it needs no tools but pip."""
    backend = BACKEND % (TOP, name, name, name, name, before)
    files = {"pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "maker"\nbackend-path = ["."]\n',
             "maker.py": backend, "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
             # this host must not run it
             "setup.py": f"open({os.path.join(TOP, 'ran-on-the-host')!r}, 'w')\n"}
    with tarfile.open(os.path.join(OFFERED, f"{name}-1.0.tar.gz"), "w:gz") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{path}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    tools = glob.glob("/usr/share/python-wheels/pip-*.whl")
    if not tools:
        raise Skip("no wheel of pip here (apt-get install python3-pip-whl)")
    shutil.copy(tools[0], OFFERED)


@case
def a_source_is_built_in_the_sandbox_and_locked():
    debian()
    source("fromsource")
    wheel("above", "1.0", {"above.py": "from fromsource import SEEN\n"}, requires=["fromsource>=0.9"])
    path = project("sources", "above==1.0  # its need has no wheel\n",
                   "    import above\n    return repr(above.SEEN)")
    good(path, "test")
    seen = eval(result(path))  # what our own backend wrote
    equal((seen["host"], seen["net"] != "reached", seen["name"]), (False, True, "iapp"), "what it saw")
    check(not os.path.exists(os.path.join(TOP, "ran-on-the-host")), "nothing of it ran on the host")
    built, = [w for w in lock(path)["wheels"] if "source" in w]
    with open(os.path.join(OFFERED, "fromsource-1.0.tar.gz"), "rb") as f:
        equal(built["source"]["sha256"], "sha256:" + hashlib.sha256(f.read()).hexdigest(), "the source")
    check(any(t["file"].startswith("pip-") for t in built["source"]["tools"]), "tools are in the lock")
    first = good(path, "build")["digest"]
    shutil.rmtree(os.path.join(HOME, "bases/wheels"))
    equal(good(path, "build")["digest"], first, "fetched and built again, by the lock")
    os.unlink(os.path.join(OFFERED, "fromsource-1.0.tar.gz"))
    equal(good(path, "build")["digest"], first, "from what was kept")


@case
def another_source_than_the_locked_one_is_refused():
    debian()
    path = os.path.join(TOP, "sources")
    if not os.path.exists(os.path.join(path, "iapp.lock")):
        raise Skip("there is no lock")
    source("fromsource", "    print('changed')\n")
    shutil.rmtree(os.path.join(HOME, "bases/wheels"))
    error = refused(path, "build", code="BAD_CHECKSUM")
    check("fromsource-1.0.tar.gz" in error["message"] and "--update-lock" in error["hint"], f"{error}")
    good(path, "build", "--update-lock")


@case
def a_source_that_cannot_be_built_says_why():
    debian()
    source("broken", "    raise RuntimeError('command gcc failed: no compiler in this house')\n")
    path = project("broken-source", "broken==1.0\n")
    error = refused(path, "build", code="INVALID")
    check("broken-1.0.tar.gz" in error["message"] and "no compiler in this house" in error["message"],
          f"{error}")
    check("needs a compiler" in error["hint"], f"{error}")


@case
def what_pip_says_is_shown_with_a_fix():
    debian()
    wheel("x", "1.0", {"x.py": ""}, requires=["z==1.0"])
    wheel("y", "1.0", {"y.py": ""}, requires=["z==2.0"])
    wheel("z", "1.0", {"z.py": ""})
    wheel("z", "2.0", {"z.py": ""})
    for text, code, message, hint in (
            ("nowhere==3.1\n", "NOT_FOUND", "nowhere==3.1", "requirements.txt"),
            ("x==9.9\n", "NOT_FOUND", "x==9.9", "requirements.txt"),
            ("x==1.0\ny==1.0\n", "INVALID", "conflicting", "requirements.txt"),
            ("-e .\n", "INVALID", "-e .", "name==version"),
            ("x @ file:///tmp/x==1.tar.gz\n", "INVALID", "x @", "name==version"),
            ("./x==1.0\n", "INVALID", "./x", "name==version"),
            ("x>=1.0\n", "INVALID", "no exact version", "name==version"),
            ("x==1.*\n", "INVALID", "no exact version", "name==version")):
        error = refused(project("failing", text), "build", code=code)
        check(message in error["message"] and hint in error["hint"], f"{text}: {error}")
    path = project("failing", "x==1.0\ny==1.0\n")
    done = subprocess.run([reach.iapp(), "build"], cwd=path, capture_output=True, check=False, timeout=600,
                          env={**os.environ, "IAPP_HOME": HOME, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": OFFERED,
                               "PIP_CONFIG_FILE": "/dev/null"}, stdin=subprocess.DEVNULL, encoding="utf-8")
    check("depends on z==1.0" in done.stdout + done.stderr, f"pip's own explanation: {done}")


@case
def requirements_of_every_usual_form():
    debian()
    wheel("plain", "1.0", {"plain.py": "A = 1\n"})
    wheel("with_extra", "2.0", {"with_extra.py": "B = 2\n"})
    with open(os.path.join(OFFERED, "plain-1.0-py3-none-any.whl"), "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    path = project("forms", "# comment\r\n\r\nplain == 1.0 # why\r\nWith.Extra[more]==2.0 ; python_version > '3'\r\n",
                   "    import plain, with_extra\n    return str(plain.A + with_extra.B)")
    good(path, "test")
    equal(result(path), "3", "what the app read")
    path = project("hashed", f"plain==1.0 \\\n    --hash=sha256:{digest}\n")
    good(path, "build")
    error = refused(project("hashed", f"plain==1.0 --hash=sha256:{'0' * 64}\n"), "build", "--update-lock",
                    code="BAD_CHECKSUM")
    check("plain" in error["message"] or "HASHES" in error["message"], f"{error}")


def module(name, library):
    """A wheel with a module in C that is linked with a library of that soname."""
    work = os.path.join(TOP, "c")
    os.makedirs(work, exist_ok=True)
    write(os.path.join(work, "lib.c"), "int dummy(void) { return 1; }\n")
    write(os.path.join(work, "module.c"), "int dummy(void); int use(void) { return dummy(); }\n")
    stub, out = os.path.join(work, "libstub.so"), os.path.join(work, "module.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname," + library, "-o", stub,
                    os.path.join(work, "lib.c")], check=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", out, os.path.join(work, "module.c"), stub], check=True)
    with open(out, "rb") as f:
        wheel(name, "1.0", {f"{name}/_module.so": f.read(), f"{name}/__init__.py": ""},
              tag="cp311-cp311-linux_x86_64")


@case
def a_library_that_is_missing_fails_the_build_by_its_name():
    debian()
    module("lacking", "libnowhere.so.9")
    path = project("lacking-library", "lacking==1.0\n")
    error = refused(path, "build", code="NOT_FOUND")
    check("lacking/_module.so needs libnowhere.so.9" in error["message"], f"{error}")
    check("debianPackages" in error["hint"] and not os.path.exists(os.path.join(path, "iapp.lock")), f"{error}")
    good(project("lacking-library", "lacking==1.0\n", absentLibraries=["libnowhere.so.9"]), "build")
    module("standard", "libstdc++.so.6")
    good(project("standard-library", "standard==1.0\n"), "build")
    known = subprocess.run(["dpkg-query", "-S", "*/libjansson.so.4"], capture_output=True, check=False,
                           encoding="utf-8").stdout.split(":")[0]
    if not known:
        raise Skip("this machine has no libjansson.so.4 to name the package of")
    module("jsonish", "libjansson.so.4")
    error = refused(project("known-library", "jsonish==1.0\n"), "build", code="NOT_FOUND")
    check(f'"{known}"' in error["hint"], f"its package: {error}")
    good(project("known-library", "jsonish==1.0\n", debianPackages=[known]), "build")


@case
def a_shell_and_the_c_plus_plus_library_are_there():
    debian()
    path = project("base", "", "    import ctypes, subprocess\n    ctypes.CDLL('libstdc++.so.6')\n"
                   "    return subprocess.check_output('echo from $0', shell=True, text=True)")
    good(path, "test")
    equal(result(path), "from /bin/sh\n", "what the shell said")


@case
def a_lock_that_no_longer_fits_is_an_error_before_anything_is_fetched():
    debian()
    wheel("plain", "1.0", {"plain.py": "A = 1\n"})
    path = project("fits", "plain==1.0\n")
    good(path, "build")
    for changes, requirements, words in (
            ({"debianPackages": ["zlib1g"]}, "plain==1.0\n", "zlib1g was added"),
            ({}, "plain==1.0\nz==1.0\n", "requirements.txt changed"),
            ({}, "", "requirements.txt changed")):
        error = refused(project("fits", requirements, **changes), "build", code="BAD_CHECKSUM")
        check(words in error["message"] and "--update-lock" in error["hint"], f"{error}")
    good(project("fits", "# only a comment more\nplain==1.0\n"), "build")
    path = project("fits", "plain==1.0\n", debianPackages=["zlib1g"])
    good(path, "build", "--update-lock")
    error = refused(project("fits", "plain==1.0\n"), "build", code="BAD_CHECKSUM")
    check("zlib1g was removed" in error["message"], f"{error}")
    old = lock(path)
    old["v"] = 1
    write(os.path.join(path, "iapp.lock"), json.dumps(old))
    error = refused(path, "build", code="UNSUPPORTED")
    check("version 1" in error["message"] and "--update-lock" in error["hint"], f"{error}")


@case
def projects_of_the_original_generator_build():
    debian()
    probe = subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "1",
                            "--timeout", "15", "--only-binary=:all:", "-d", os.path.join(TOP, "probe"),
                            "pyfiglet==1.0.2"], capture_output=True, check=False, timeout=300)
    if probe.returncode != 0:
        raise Skip("the package index cannot be reached")
    path = project("generator", GENERATOR, """    from pyfiglet import Figlet
    from borsh_construct import Bool, F64, I128, String
    import struct
    values = (String.parse(b"\\x02\\0\\0\\0ok"), Bool.parse(b"\\x01"), I128.parse(b"\\x07" + bytes(15)),
              F64.parse(struct.pack("<d", 1.5)))
    return Figlet().renderText("Hello") and repr(values)""")
    good(path, "test", index=True)
    equal(result(path), "('ok', True, 7, 1.5)", "values by borsh-construct")
    built = [w for w in lock(path)["wheels"] if "source" in w]
    equal([w["wheel" if "wheel" in w else "file"].split("-")[0] for w in built], ["construct"], "built here")
    digest = good(path, "build", index=True)["digest"]
    equal(good(path, "build", "--no-cache", index=True)["digest"], digest, "from the lock")


try:
    tap.main()
finally:
    shutil.rmtree(TOP, ignore_errors=True)
