#!/usr/bin/env python3
"""The message app by itself: what it makes of web3mail's secrets and content, read back by Python's mail
parser, and what it makes of secrets, content and addresses that mean harm."""
import base64
import email
import email.policy
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import tap  # noqa: E402
from tap import case, check  # noqa: E402

APP = os.path.abspath(sys.argv.pop(1))
KEY = bytes(range(32))
DATA = "0x1234567890abcdef1234567890abcdef12345678"
ADDRESS = "/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"


def equal(got, want, what=""):
    tap.equal(got, want, what)


def encrypt(plain, key=KEY):
    """IV and AES-256-CBC as web3mail's encrypt, by openssl's program."""
    iv = os.urandom(16)
    done = subprocess.run(["openssl", "enc", "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex()],
                          input=plain, capture_output=True, check=True)
    return iv + done.stdout


def secret(**changes):
    values = {"emailSubject": "a subject", "emailContentMultiAddr": ADDRESS,
              "contentType": "text/plain", "senderName": "Alice",
              "emailContentEncryptionKey": base64.b64encode(KEY).decode(), "useCallback": True}
    values.update(changes)
    return json.dumps({k: v for k, v in values.items() if v is not None}, ensure_ascii=False)


class Ran:
    """One run in folders of its own: status, outputs by name, log."""

    def __init__(self, request, content=b"hello", mail="bob@example.org", slice_=None, **more):
        top = tempfile.mkdtemp(prefix="iapp-message-")
        into, out = os.path.join(top, "in"), os.path.join(top, "out")
        env = {"IEXEC_IN": into, "IEXEC_OUT": out, "IEXEC_BULK_SLICE_SIZE": "0",
               "IEXEC_DATASET_FILENAME": DATA, **more}
        if request is not None:
            env["IEXEC_REQUESTER_SECRET_1"] = request
        os.mkdir(out)
        self.write(into, "protected/email", mail)
        self.write(into, "content/1", encrypt(content) if isinstance(content, bytes) else None)
        for i, (name, text) in enumerate(slice_ or [], 1):
            env["IEXEC_BULK_SLICE_SIZE"] = str(i)
            env[f"IEXEC_DATASET_{i}_FILENAME"] = name
            self.write(into, f"protected/{i}/email", text)
        if isinstance(content, tuple):
            self.write(into, "content/1", content[0])
        done = subprocess.run([APP], env=env, capture_output=True, check=False, timeout=60)
        self.log = (done.stdout + done.stderr).decode(errors="replace")
        equal(done.returncode, 0, self.log)
        self.files = {n: open(os.path.join(out, n), "rb").read() for n in sorted(os.listdir(out))}
        shutil.rmtree(top)
        self.result = json.loads(self.files["result.json"])
        self.computed = json.loads(self.files["computed.json"])
        equal(self.computed["deterministic-output-path"], out + "/result.json")

    @staticmethod
    def write(top, name, value):
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if value is not None:
            with open(path, "wb") as f:
                f.write(value.encode() if isinstance(value, str) else value)

    def mail(self, name="message.eml"):
        raw = self.files[name]
        check(all(len(line) <= 78 for line in raw.split(b"\r\n")), "lines of at most 78")
        check(b"\n" not in raw.replace(b"\r\n", b""), "lines end in CRLF")
        return email.message_from_bytes(raw, policy=email.policy.default)

    def failed(self, words):
        equal(self.result["success"], False, self.log)
        check(words in self.result["error"], f"{words}: {self.result}")
        equal([n for n in self.files if n.endswith(".eml")], [], "no message")


def headers(message):
    return sorted(k.lower() for k in message.keys())


USUAL = sorted(["from", "to", "subject", "x-protected-data", "mime-version", "content-type",
                "content-transfer-encoding"])


@case
def a_plain_message():
    ran = Ran(secret(), b"hello\nworld\r\nbye\r")
    m = ran.mail()
    equal(headers(m), USUAL)
    equal(m["subject"], "a subject")
    equal(m["from"].addresses[0].display_name, "Alice via Web3mail")
    equal(m["from"].addresses[0].addr_spec, "message@iapp.invalid")
    equal(m["x-protected-data"], DATA)
    equal(m.get_content_type(), "text/plain")
    equal(m.get_payload(decode=True), b"hello\r\nworld\r\nbye\r\n")
    equal(ran.result, {"protectedData": DATA, "success": True})
    equal(ran.computed["callback-data"], "0x" + "00" * 32)
    again = Ran(secret(), b"hello\nworld\r\nbye\r").files
    equal(again["message.eml"], ran.files["message.eml"], "the same request, the same bytes")


@case
def the_address_stays_inside():
    ran = Ran(secret(), b"hello")
    for name, text in [*ran.files.items(), ("log", ran.log.encode())]:
        check(b"bob" not in text and b"example.org" not in text, name)
    equal(str(ran.mail()["to"]), "undisclosed-recipients:;")


@case
def other_scripts_and_long_texts():
    subject, sender = "Grüße aus Ελλάδα – 日本語のメール 👋 " + "ü" * 42, "Zoë 李 👩"
    m = Ran(secret(emailSubject=subject, senderName=sender), "ß→\u2028x".encode()).mail()
    equal(m["subject"], subject)
    equal(m["from"].addresses[0].display_name, sender + " via Web3mail")
    equal(m.get_content(), "ß→\u2028x\n" if m.get_content().endswith("\n") else "ß→\u2028x")
    equal(headers(m), USUAL)
    equal(Ran(secret(emailSubject="=?UTF-8?Q?x?=")).mail()["subject"], "=?UTF-8?Q?x?=")
    equal(Ran(secret(senderName='a"\\b')).mail()["from"].addresses[0].display_name,
          'a"\\b via Web3mail')
    equal(Ran(secret(senderName=None)).mail()["from"].addresses[0].display_name, "Web3mail")


@case
def html_with_its_text():
    page = ("<html><head><title>no</title><style>p{}</style></head><body><!-- no --><h1>Hi &amp; all</h1>"
            "<p>1 &lt; 2 &#8364;&#x20ac; &unknown; &#0;</p><script>no()</script>end</body></html>")
    m = Ran(secret(contentType="text/html"), page.encode()).mail()
    equal(m.get_content_type(), "multipart/alternative")
    text, html = m.iter_parts()
    equal(html.get_content_type(), "text/html")
    equal(html.get_payload(decode=True).decode(), page)
    equal(text.get_payload(decode=True).decode(), "Hi & all\r\n1 < 2 €€ &unknown; &#0;\r\nend")


@case
def headers_cannot_be_injected():
    for bad in ("a\r\nBcc: eve@example.org", "a\nb", "a\rb", "a\x7fb", "tab\tb"):
        for name in ("emailSubject", "senderName"):
            Ran(secret(**{name: bad})).failed("control characters")
    for name in ("0xabc\r\nBcc: eve@example.org", "a b", "a" * 81):
        Ran(secret(), IEXEC_DATASET_FILENAME=name).failed("compose")
    sender = json.dumps({"MJ_SENDER": "a@example.org>\r\nBcc: eve@example.org"})
    Ran(secret(), IEXEC_APP_DEVELOPER_SECRET=sender).failed("MJ_SENDER")


@case
def secrets_that_are_none():
    for bad in (None, "", "no json", "[]", '"x"', "{" * 9000, '{"a":1,"a":2}', "\udcff",
                secret(emailSubject="a\0b")):
        ran = Ran(bad)
        ran.failed("Failed to parse requester secret")
        check("callback-data" not in ran.computed, "nobody asked to be called back")
    for changes, words in (
            ({"emailSubject": None}, "is required"), ({"emailSubject": "x" * 79}, "length"),
            ({"emailSubject": 1}, "string"), ({"emailSubject": "👋" * 40}, "length"),
            ({"senderName": "ab"}, "length"), ({"senderName": "x" * 21}, "length"),
            ({"contentType": "text/x"}, "contentType"), ({"contentType": 1}, "contentType"),
            ({"emailContentMultiAddr": "https://example.org"}, "multiAddr"),
            ({"emailContentEncryptionKey": None}, "base64"),
            ({"emailContentEncryptionKey": "AAAA"}, "base64"),
            ({"emailContentEncryptionKey": "A" * 42 + "B="}, "base64"),
            ({"emailContentEncryptionKey": "!" * 43 + "="}, "base64"),
            ({"emailContentEncryptionKey": "A" * 44}, "base64")):
        Ran(secret(**changes)).failed(words)
    Ran(secret(), IEXEC_APP_DEVELOPER_SECRET="{").failed("developer secret")
    sender = json.dumps({"MJ_SENDER": "news@example.org", "MJ_APIKEY_PUBLIC": "x"})
    ran = Ran(secret(useCallback=False), IEXEC_APP_DEVELOPER_SECRET=sender)
    equal(ran.mail()["from"].addresses[0].addr_spec, "news@example.org")
    check("callback-data" not in ran.computed, "none is asked for")


@case
def content_that_is_none():
    good = encrypt(b"x" * 100)
    for bad in (None, b"", good[:16], good[:-1], good[:32], os.urandom(31), b"\0" * ((2 << 20) + 16)):
        ran = Ran(secret(), (bad,))
        check(ran.result["success"] is False and "content" in ran.result["error"], str(ran.result))
        equal(ran.computed["callback-data"], "0x" + "00" * 32, "who waits is called back")
    Ran(secret(), (encrypt(b"x", b"k" * 32),)).failed("content")
    for bad in (b"a\0b", b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"cut \xe2\x82"):
        Ran(secret(), bad).failed("UTF-8")
    Ran(secret(), b"").failed("length")
    Ran(secret(), b"x" * 512001).failed("length")
    check(Ran(secret(), "€".encode() * 512000).result["success"], "web3mail's limit is in characters")
    for nasty in (b"<" * 300000, b"<script" * 40000, b"<!--" * 90000, b"&#" * 200000, b"<title></" * 50000):
        check(Ran(secret(contentType="text/html"), nasty).result["success"], "ends")


@case
def addresses_of_owners():
    for good in ("a@b.co", "first.last+tag@sub.example.org", "ü@exämple.org", "o'neil@example.org"):
        check(Ran(secret(), mail=good).result["success"], good)
    for bad in ("", "bob", "bob@example", "@example.org", "bob@", "a@b@c.org", "bob@-x.org", "b..b@x.org",
                "bob@x..org", "bob @x.org", "bob@x.org\r\nBcc: e@x.org", "<bob@x.org>", "bob@x.org,e@x.org",
                ".b@x.org", "b" * 65 + "@x.org", "b@" + "x" * 64 + ".org", b"b\xff@x.org", b"b\0@x.org",
                "b" * 2000 + "@x.org"):
        ran = Ran(secret(), mail=bad)
        check(ran.result["success"] is False, repr(bad))
        equal(ran.computed["callback-data"], "0x" + "00" * 32)
    Ran(secret(), mail=None).failed("Failed to load path email")


@case
def a_slice():
    names = [f"0x{i:040x}" for i in range(1, 5)]
    mails = ["a@example.org", "nonsense", None, "d@example.org"]
    ran = Ran(secret(), slice_=list(zip(names, mails)), IEXEC_DATASET_3_REFUSED="GRANT_REVOKED")
    equal({k: v for k, v in ran.result.items() if k != "results"},
          {"success": False, "error": "Partial failure", "totalCount": 4, "successCount": 2,
           "errorCount": 2})
    equal([(r["index"], r["protectedData"], r["success"]) for r in ran.result["results"]],
          [(i + 1, names[i], i in (0, 3)) for i in range(4)])
    check("GRANT_REVOKED" in ran.result["results"][2]["error"], "the owner's refusal is told")
    equal([n for n in ran.files if n.endswith(".eml")], ["message-1.eml", "message-4.eml"])
    equal(ran.mail("message-4.eml")["x-protected-data"], names[3])
    check("callback-data" not in ran.computed, "slices have none")
    ran = Ran(secret(), slice_=list(zip(names, mails)), IEXEC_DATASET_3_FAILED="BAD_CHECKSUM")
    check("BAD_CHECKSUM" in ran.result["results"][2]["error"], "what the enclave could not use is told")
    fine = Ran(secret(), slice_=[(names[0], "a@example.org")])
    equal((fine.result["success"], "error" in fine.result), (True, False))


@case
def a_slice_larger_than_a_result():
    many = [(f"0x{i:040x}", "a@example.org") for i in range(100)]
    ran = Ran(secret(), b"x" * 512000, slice_=many)
    sent = ran.result["successCount"]
    check(60 < sent < 100, f"{sent} fit")
    check(sum(map(len, ran.files.values())) <= 50 << 20, "the guest's limit")
    check("do not fit" in ran.result["results"][99]["error"], str(ran.result["results"][99]))


tap.main()
