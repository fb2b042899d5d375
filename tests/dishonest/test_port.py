#!/usr/bin/env python3
"""Somebody takes the port of the SMS after it was killed, answers with what it said before, and
waits for keys. While the supervisor lives nobody gets the port; when it is dead too, what comes to
the port is of no use, and what it answers is not believed. The same for owners' messages and
questions, of one who holds the port or listens before it."""
import errno
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as lab_module  # noqa: E402
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab_module.Lab("port")
PURPOSE = "what-only-the-owner-and-her-sms-know"
SECRET = "the-secret-of-an-app-that-nobody-sees"


class World:
    """What the cases share."""
    seen = []


def port_of(url):
    return urlsplit(url).port


def take(port):
    """A listening socket on that port, as any program of this machine could have it, or None."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("127.0.0.1", port))
        s.listen(8)
        return s
    except OSError as why:
        equal(why.errno, errno.EADDRINUSE, "why the port is not free")
        s.close()
        return None


class Fake(BaseHTTPRequestHandler):
    """Says again what the SMS said at the same path; to what it never heard: a plain yes."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        World.seen.append((self.path, body + str(self.headers).encode()))
        known = [x for x in World.said if x["path"] == self.path and x["method"] == self.command]
        status, reply = (known[-1]["status"], known[-1]["reply"]) if known else (200, b"{}")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply)

    do_GET = do_POST = do_PUT = do_HEAD = answer


@case
def an_honest_sms_is_listened_to():
    LAB.start_front()
    LAB.start_sms(LAB.front.ready["rpcUrl"])
    between = LAB.proxy(LAB.sms.ready["smsUrl"])
    LAB.settle_in()
    LAB.owner, LAB.developer = LAB.wallet(), LAB.wallet()
    LAB.good("protect", "text=first", "--sms", between.url, wallet=LAB.owner)
    World.said = list(between.seen)
    check(any(x["path"] == "/push/v1/secret" for x in World.said), "a push was recorded")


@case
def a_heard_question_tells_nothing():
    """The owner's questions, heard on the way and sent again to the real SMS."""
    between = LAB.proxy(LAB.sms.ready["smsUrl"])
    LAB.app = LAB.make_app(LAB.developer)
    World.data = LAB.good("protect", "text=mine", wallet=LAB.owner)["address"]
    LAB.good("grant", World.data, LAB.app, "any", "--purpose", PURPOSE, "--sms", between.url,
             wallet=LAB.owner)
    LAB.good("audit", World.data, "--sms", between.url, wallet=LAB.owner)
    signed = [x for x in between.seen if "Authorization" in x["headers"]]
    paths = {x["path"].split("?")[0] for x in signed}
    equal(paths, {"/owner/v1/log", "/owner/v1/version"}, "questions that were heard")
    for x in signed:
        ask = urllib.request.Request(LAB.sms.ready["smsUrl"] + x["path"],
                                     headers={"Authorization": x["headers"]["Authorization"]})
        with urllib.request.urlopen(ask, timeout=60) as answer:
            text = json.load(answer)
        equal(set(text), {"text", "sig"}, "the answer")
        equal(set(json.loads(text["text"])), {"v", "question", "enc", "ct"}, "what is signed")
    World.said += between.seen


@case
def who_has_not_taken_a_message_cannot_say_so():
    """Between the owner and the SMS: what it said of an earlier message, or a bare yes."""
    old = [x for x in World.said if x["path"] == "/owner/v1/messages"][-1]["reply"]
    for status, reply in ((200, old), (200, b"{}"), (204, b""), (200, b"")):
        def instead(x, status=status, reply=reply):
            if x["path"] != "/owner/v1/messages":
                return x["reply"]
            x["status"] = status
            return reply
        # the real one does not get it
        liar = LAB.proxy(LAB.sms.ready["smsUrl"], change=instead, before=lambda x: (
            b"{}" if x["path"] == "/owner/v1/messages" else x["request"]))
        done, answer = LAB.iapp("revoke", World.data, "--sms", liar.url, wallet=LAB.owner)
        check(done != 0, f"revoked by {status} {reply}: {answer}")
        equal(answer["error"]["code"], "SMS_SIGNATURE", f"{status} {reply}: {answer}")
        check(any(x["path"] == "/owner/v1/messages" for x in liar.seen), "it was posted")


@case
def a_killed_role_leaves_its_port_to_nobody():
    port = port_of(LAB.sms.ready["smsUrl"])
    check(len(proc.children(LAB.sms.process.pid)) > 1, "the SMS is a process of its own")
    for signo in (signal.SIGKILL, signal.SIGTERM):
        for pid in proc.children(LAB.sms.process.pid)[1:]:
            os.kill(pid, signo)
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            check(take(port) is None, f"the port is taken after {signo}")
            time.sleep(0.01)
        # who came meanwhile has waited
        LAB.good("protect", f"text=after {signo}", wallet=LAB.owner)


@case
def who_has_the_port_gets_no_key():
    LAB.sms.kill()
    ready = os.path.join(LAB.sms.home, "ready.json")
    check(os.path.exists(ready), "the killed daemon left its file")
    equal(LAB.iapp("config", "sdk", home=LAB.sms.home)[1]["error"]["code"], "UNAVAILABLE",
          "a file of addresses that nobody holds")
    sock = take(port_of(LAB.sms.ready["smsUrl"]))
    check(sock, "the port is free when all are dead")
    World.fake = ThreadingHTTPServer(sock.getsockname(), Fake, bind_and_activate=False)
    World.fake.socket.close()
    World.fake.socket = sock
    World.fake.daemon_threads = True
    threading.Thread(target=World.fake.serve_forever, daemon=True).start()
    status, answer = LAB.iapp("protect", "text=second", wallet=LAB.owner)
    check(status != 0, f"refused: {answer}")
    equal(answer["error"]["code"], "SMS_SIGNATURE", f"{answer}")
    paths = [p for p, _ in World.seen]
    check("/push/v1/challenge" in paths, f"the fake was asked: {paths}")
    check("/push/v1/secret" not in paths, f"nothing was sent to it: {paths}")


@case
def no_secret_of_an_app_either():
    secret = lab_module.save(os.path.join(LAB.top, "secret"), SECRET)
    LAB.good("init", "second", "--lang", "c")
    status, answer = LAB.iapp("deploy", "--app-secret-file", secret, wallet=LAB.developer,
                              cwd=os.path.join(LAB.top, "second"))
    check(status != 0, f"refused: {answer}")
    equal(answer["error"]["code"], "SMS_SIGNATURE", f"{answer}")
    for path, text in World.seen:
        check(SECRET.encode() not in text, f"in clear to {path}")


@case
def nor_is_it_believed_or_told_anything():
    """Every verb that tells or asks the SMS something in the owner's name."""
    del World.seen[:]
    task = "0x" + "17" * 32
    for verb in (["revoke", World.data], ["audit", World.data], ["audit"], ["why", task],
                 ["grant", World.data, LAB.app, "any", "--add", "1", "--purpose", PURPOSE],
                 ["policy", "set", World.data, "--purpose", PURPOSE],
                 ["transfer", World.data, LAB.developer]):
        status, answer = LAB.iapp(*verb, wallet=LAB.owner)
        check(status != 0, f"{verb}: {answer}")
        equal(answer["error"]["code"], "SMS_SIGNATURE", f"{verb}: {answer}")
    paths = {p.split("?")[0] for p, _ in World.seen}
    check({"/owner/v1/log", "/owner/v1/version", "/owner/v1/limits", "/why/v1"} <= paths, f"it was asked: {paths}")
    check("/owner/v1/messages" not in paths, "no message was sent to it")
    for path, text in World.seen:
        check(PURPOSE.encode() not in text, f"the policy went to {path}")


@case
def the_real_one_gets_it_later():
    World.fake.shutdown()
    World.fake.server_close()
    LAB.sms.start()
    LAB.settle_in()
    done = LAB.good("protect", "--resume", wallet=LAB.owner)
    check("address" in json.dumps(done), f"{done}")


try:
    tap.main()
finally:
    LAB.close()
