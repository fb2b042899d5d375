#!/usr/bin/env python3
"""What an app is given in a run and nothing else, what becomes of what it leaves, and how each way to
fail is told."""
import http.server
import json
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("app")
APP_SECRET = "the-secret-of-the-developer"
USER_SECRET = "the-secret-of-the-requester"
INPUT = b"an input file, line one\n"


class Run:
    """What the cases share."""
    folders = 0


class Files(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        found = self.path.startswith("/there")
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(INPUT)))
        self.end_headers()
        self.wfile.write(INPUT)


def run(*args, app=None):
    """A run that succeeds: its one task, and what the app saw."""
    Run.folders += 1
    out = f"out-{Run.folders}"
    task, = LAB.good(Run.user, "run", app or Run.app, "--out", out, *args)["tasks"]
    equal((task["status"], task["cause"], task["resultPath"]), ("COMPLETED", "", out), "the task")
    return task, out


def shown(*args, app=None):
    _, out = run(*args, app=app)
    return lab.shown(LAB.path(out))


def fails(status, cause, *args, app=None):
    """A run whose task fails: the task."""
    Run.folders += 1
    got, answer = LAB.one(Run.user, "run", app or Run.app, "--out", f"out-{Run.folders}", *args)
    task, = answer["tasks"]
    equal((got, task["status"], task["cause"], task["resultPath"]), (status, "FAILED", cause, None),
          f"{args}: {task}")
    return task


@case
def an_installation_starts():
    LAB.up("--test")
    Run.developer, Run.user = LAB.wallet(), LAB.wallet()
    secret = LAB.write("app-secret", APP_SECRET)
    project = LAB.project("probe", features="args,files,secret,appsecret")
    Run.app = LAB.deploy(Run.developer, project, "--app-secret-file", secret)
    os.unlink(secret)


@case
def arguments_arrive_as_given():
    args, _, _ = shown("--args", "show -- 0x10 1e3 1.50 'a b'  \"c d\"e \u00e4 it's",
                       "--arg", "one  two", "--arg", "", "--arg", 'a "quoted" word', "--arg", "$HOME")
    equal(args, ["show", "--", "0x10", "1e3", "1.50", "a b", "c de", "\u00e4", "it's", "one  two", "",
                 'a "quoted" word', "$HOME"], "arguments")


@case
def the_environment_is_that_of_the_protocol():
    task, out = run("--args", "show")
    _, env, files = lab.shown(LAB.path(out))
    equal(files, {}, "no data: no files")
    want = {"IEXEC_TASK_ID": task["taskId"], "IEXEC_IN": "/iexec_in", "IEXEC_OUT": "/iexec_out",
            "IEXEC_TASK_INDEX": "0", "IEXEC_BOT_SIZE": "1", "IEXEC_BOT_FIRST_INDEX": "0",
            "IEXEC_INPUT_FILES_NUMBER": "0", "IEXEC_APP_DEVELOPER_SECRET": APP_SECRET}
    equal({k: env.get(k) for k in want}, want, "environment")
    for name in env:
        check(name.startswith("IEXEC_") or name in ("PATH", "HOME", "LANG", "TZ"),
              f"{name} of the host reached the app")


class Trouble(http.server.BaseHTTPRequestHandler):
    """Fails twice, then gives the file."""
    asked = 0

    def do_GET(self):
        Trouble.asked += 1
        self.send_response(503 if Trouble.asked < 3 else 200)
        self.end_headers()
        self.wfile.write(INPUT)

    def log_message(self, *args):
        pass


@case
def who_waits_reads_why():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Trouble)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/f"
    Run.folders += 1
    status, out, err = LAB.said(Run.user, "run", Run.app, "--args", "show", "--input-file", url, "--out",
                                f"out-{Run.folders}")
    equal(status, 0, f"told: {out} {err}")
    for n in (1, 2):
        check(re.search(rf"attempt {n} failed: input file {url}: its server answered with status 503; "
                        r"next in \d+ s", err), f"attempt {n}: {err}")
        check(re.search(rf"attempt +{n} by worker .*: input file {url}: ", out), f"attempt {n}: {out}")
    server.shutdown()
    server.server_close()


@case
def an_input_file_comes_from_its_url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    _, env, files = shown("--args", "show", "--input-file", url + "/there?a=1", "--inputFile",
                          url + "/there?a=2")
    equal(env["IEXEC_INPUT_FILES_NUMBER"], "2", "how many")
    names = [env[f"IEXEC_INPUT_FILE_NAME_{i}"] for i in (1, 2)]
    check(names[0] != names[1], "two URLs, two names")
    for name in names:
        equal(files[f"/iexec_in/{name}"], INPUT.decode().rstrip("\n"), "its content")
    task = fails(1, "PRE_COMPUTE_INPUT_FILE_NOT_FOUND", "--input-file", url + "/none")
    equal(task["message"], f"input file {url}/none: its server answered with status 404", "told")
    _, seen = LAB.one(Run.user, "task", task["taskId"])
    attempts = seen["iapp"]["attempts"]
    equal([(a["cause"], a["message"]) for a in attempts], [(task["cause"], task["message"])], "tried once")
    equal(seen["iapp"]["timeline"].get("releasedMs"), None, "no key was released for it")
    server.shutdown()
    server.server_close()


@case
def secrets_reach_the_app_and_nothing_else():
    secret = LAB.write("user-secret", USER_SECRET)
    hold = LAB.good(Run.user, "run", Run.app, "--no-wait", "--args", "show hold=2",
                    "--requester-secret", f"1=@{secret}", "--requester-secret", f"7=@{secret}")
    os.unlink(secret)
    task, = hold["taskIds"]
    needles, inside = [USER_SECRET.encode(), APP_SECRET.encode()], set()
    before = proc.files_hold(LAB.top, needles)  # clear results of runs before
    while not inside:
        inside = enclaves_hold(needles)
    equal(outside_hold(needles), [], "while the app runs")
    equal(LAB.good(Run.user, "task", task, "--follow")["status"], "COMPLETED", "the task")
    check(inside, "the app held them")
    equal(outside_hold(needles), [], "afterwards")
    equal([hit for hit in proc.files_hold(LAB.top, needles) if hit not in before], [], "files")
    LAB.good(Run.user, "result", task, "--out", LAB.path("secrets"))
    _, env, _ = lab.shown(LAB.path("secrets"))
    equal((env["IEXEC_REQUESTER_SECRET_1"], env["IEXEC_REQUESTER_SECRET_7"],
           env["IEXEC_APP_DEVELOPER_SECRET"]), (USER_SECRET, USER_SECRET, APP_SECRET), "secrets")


def outside_hold(needles):
    """Command lines and environments of this installation's processes but the enclaves."""
    family = proc.children(LAB.daemon.pid)
    inside = proc.enclaves(family)
    return [(pid, proc.name(pid), n) for pid in family if pid not in inside
            for n in proc.arguments_hold(pid, needles)]


def enclaves_hold(needles):
    inside = proc.enclaves(proc.children(LAB.daemon.pid))
    return set().union(*(proc.arguments_hold(pid, needles) for pid in inside))


@case
def secrets_in_the_command_line_are_not_taken():
    LAB.refused(Run.user, "run", Run.app, "--requester-secret", "1=clear", code="USAGE", status=2)
    secret = LAB.write("user-secret", USER_SECRET)
    LAB.refused(Run.user, "run", Run.app, "--requester-secret", f"0=@{secret}", code="USAGE",
                status=2)
    LAB.refused(Run.user, "run", Run.app, "--requester-secret", "1=@none", code="NOT_FOUND")
    big = LAB.write("big", "x" * 4097)
    LAB.refused(Run.user, "run", Run.app, "--requester-secret", f"1=@{big}", code="TOO_LARGE")
    os.unlink(secret)


@case
def an_app_has_one_secret_of_a_bounded_size():
    project, other = LAB.path("probe"), LAB.write("other-secret", "another value")
    big = LAB.write("big", "x" * 4097)
    error = LAB.refused(Run.developer, "deploy", "--version", "9", "--app-secret-file", big,
                        code="TOO_LARGE", cwd=project)
    check("app secret" in error["message"] and "4096" in error["message"], f"told: {error}")
    status, _, err = LAB.said(Run.developer, "deploy", "--app-secret-file", other, cwd=project)
    equal(status, 0, f"the same app: {err}")
    check("needs a new --version" in err, f"told: {err}")
    equal(shown("--args", "show")[1]["IEXEC_APP_DEVELOPER_SECRET"], APP_SECRET, "the first one holds")
    large = "s" * 4000
    newer = LAB.deploy(Run.developer, project, "--version", "2", "--app-secret-file",
                       LAB.write("large", large))
    equal(shown("--args", "show", app=newer)[1]["IEXEC_APP_DEVELOPER_SECRET"], large,
          "another version, another secret, all of it")
    for version in ("!!1", "a b", "", "1/2"):
        LAB.refused(Run.developer, "deploy", "--version", version, code="USAGE", status=2,
                    cwd=project)


@case
def an_app_that_fails_is_told_with_its_output():
    task = fails(4, "APP_COMPUTE_FAILED", "--args", "show exit=9", "--encrypt")
    equal((task["message"], task["code"]), ("the app failed; its logs say how it ended", "APP_FAILED"),
          "what the public is told")
    status, out, err = LAB.said(Run.user, "run", Run.app, "--args", "show exit=7", "--encrypt")
    equal(status, 4, f"{out} {err}")
    check("The app ended: exit status 7" in out + err, f"who waits is told: {out} {err}")
    told = LAB.good(Run.user, "debug", task["taskId"])
    equal((told["exitCode"], told["ending"]), (9, "exit status 9"), "what the requester is told")
    equal((told["status"], told["cause"]), ("FAILED", "APP_COMPUTE_FAILED"), "debug")
    check("this is standard output" in json.dumps(told["stdout"]), f"its output: {told}")
    check("this is standard error" in json.dumps(told["stderr"]), f"its errors: {told}")
    check(told["meaning"] and told["fix"], f"meaning and fix: {told}")
    status, seen = LAB.one(Run.user, "task", task["taskId"], "--follow")
    equal((status, seen["status"]), (4, "FAILED"), "task --follow")
    receipt, = [n for n in os.listdir(LAB.top) if n == f"out-{Run.folders}.receipt.json"]
    status, answer = LAB.one(None, "verify", LAB.path(receipt))
    equal(answer["verdict"], "proven", f"a failure's receipt: {answer}")
    LAB.refused(Run.user, "result", task["taskId"], code="NOT_FOUND")


@case
def a_result_is_shown_to_who_waits():
    status, out, err = LAB.said(Run.user, "run", Run.app, "--args", "show -- seen", "--out", "shown")
    equal(status, 0, f"as text: {err}")
    check("Task finalized" in out and "-- result.txt --" in out and "arg\tseen" in out, f"{out}")


@case
def bad_output_is_told_by_its_kind():
    for act, cause in (("bad", "POST_COMPUTE_RESULT_DIGEST_COMPUTATION_FAILED"),
                       ("show two", "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND"),
                       ("show long", "POST_COMPUTE_TOO_LONG_RESULT_FILE_NAME")):
        task = fails(3, cause, "--args", act)
        equal(task["code"], "BAD_OUTPUT", f"{act}: {task}")
    status, out, err = LAB.said(Run.user, "run", Run.app, "--args", "bad", "--out", "said")
    equal(status, 3, f"as text: {out} {err}")
    check("Task failed" in out and "Task finalized" not in out and "fix" in out, f"as text: {out}")
    check("undefined" not in out, "no broken link")


@case
def a_callback_carries_its_data():
    target, data = "0x" + "c0" * 20, "0x" + "%064x" % 42
    Run.folders += 1
    answer = LAB.good(Run.user, "run", Run.app, "--callback", target, "--args", f"callback={data}",
                      "--out", f"out-{Run.folders}")
    task, = answer["tasks"]
    equal((task["status"], task["cause"]), ("COMPLETED", ""), f"the task: {task}")
    with open(LAB.path(task["receiptPath"]), encoding="utf-8") as f:
        settled = json.loads(json.load(f)["settlement"]["text"])
    check(data[2:] in settled["tx"], "the settling transaction carries it")
    task = fails(3, "POST_COMPUTE_RESULT_DIGEST_COMPUTATION_FAILED", "--callback", target,
                 "--args", "bad")
    LAB.refused(Run.user, "run", Run.app, "--callback", target, "--encrypt", code="USAGE", status=2)


@case
def a_plain_result_is_readable_by_all():
    data = LAB.good(Run.developer, "protect", "text=open")["address"]
    LAB.good(Run.developer, "grant", data, Run.app, Run.user, "--times", "5")
    _, out = run("--data", data, "--plain", "--args", "show")
    equal(lab.shown(LAB.path(out))[2]["/iexec_in/protected/text"], "open", "result")
    with open(LAB.path(out + ".result.zip"), "rb") as f:
        check(f.read(2) == b"PK", "the uploaded result is a plain archive")
    _, answer = LAB.one(None, "verify", LAB.path(out + ".receipt.json"))
    equal(answer["verdict"], "proven", "verdict")
    LAB.refused(Run.user, "run", Run.app, "--plain", "--encrypt", code="USAGE", status=2)


@case
def older_names_of_options_are_taken():
    Run.folders += 1
    status, out, err = LAB.said(Run.user, "run", Run.app, "--inputFiles", "http://example.com/x",
                                "--out", f"out-{Run.folders}")
    equal(status, 1, f"told: {out} {err}")
    check("--input-file" in err, f"the newer name is told: {err}")
    status, _, err = LAB.said(Run.user, "run", Run.app, "--no-such-option")
    equal(status, 2, "an unknown option")
    check("fix: iapp help run" in err, f"told: {err}")


@case
def it_ends_on_sigterm():
    equal(LAB.stop(), 0, "exit status")


try:
    tap.main()
finally:
    LAB.close()
