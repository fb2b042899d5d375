#!/usr/bin/env python3
"""What stands around the SMS lies: a scheduler with its leases, a guest with foreign evidence, and
whoever can write in the SMS's database."""
import os
import shutil
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as lab_module  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab_module.Lab("sms")
WORKER_A, WORKER_B = "0x" + "aa" * 20, "0x" + "bb" * 20


class World:
    """What the cases share."""


def ask(task, worker=WORKER_A, fencing=1, **more):
    return World.player.ask(task, worker, fencing, **more)


def refused(code, *args, **more):
    answer = ask(*args, **more)
    equal(answer["code"], code, answer.get("message"))


def released(*args, **more):
    refused("OK", *args, **more)


MESSAGE = 5  # kind of an entry of the journal: an owner's message


@case
def an_honest_scheduler_gets_a_release():
    LAB.start_front()
    LAB.start_sms(LAB.front.ready["rpcUrl"])
    LAB.start_scheduler("--sms", LAB.sms.ready["smsUrl"])
    LAB.settle_in(schedulerUrl=LAB.pool.ready["schedulerUrl"])
    World.player = LAB.player()
    LAB.trust_sim(LAB.top + "/quoting/sim-root.pem")
    LAB.make_grant()
    World.tasks = LAB.deal_for(World.player, 12)
    released(World.tasks.pop())


@case
def two_leases_of_one_task():
    task = World.tasks.pop()
    released(task, WORKER_A, 1)
    refused("LEASE_FENCED", task, WORKER_B, 1)
    released(task, WORKER_B, 2)
    refused("LEASE_FENCED", task, WORKER_A, 1)
    refused("LEASE_FENCED", task, WORKER_A, 2)
    # the first challenge under a newer number fences off, whether or not a release follows
    released(task, WORKER_A, 7, until="challenge")
    refused("LEASE_FENCED", task, WORKER_B, 6)
    released(task, WORKER_A, 7)


@case
def leases_that_are_none():
    task = World.tasks.pop()
    refused("LEASE_INVALID", task, signer="own")
    refused("LEASE_INVALID", task, seconds=400)
    refused("LEASE_INVALID", task, seconds=-5)
    released(task)


@case
def a_nonce_is_good_once():
    released(World.tasks[-1])
    equal(World.player.say(do="again", sms=LAB.sms.ready["smsUrl"])["code"], "NONCE_INVALID",
          "the same request again")
    for _ in range(20):
        released(World.tasks[-1], until="challenge")
    released(World.tasks.pop())


@case
def the_fourth_release_at_once_is_refused():
    task = World.tasks.pop()
    for _ in range(3):
        released(task)
    refused("RELEASE_PACE", task)
    LAB.sms.stop()
    LAB.sms.start()
    refused("RELEASE_PACE", task, WORKER_B, 2)
    released(World.tasks.pop())


@case
def evidence_of_a_foreign_root_or_guest():
    task = World.tasks.pop()
    stranger = LAB.player("foreign")
    equal(stranger.ask(task, WORKER_A)["code"], "SIM_ROOT", "a root that nobody enrolled")
    changed = os.path.join(LAB.top, "guest")
    shutil.copy(lab_module.GUEST, changed)
    with open(changed, "ab") as f:
        f.write(b"\0")
    other = LAB.player(guest=changed)
    equal(other.ask(task, WORKER_A)["code"], "GUEST_UNKNOWN", "a guest that is one byte longer")
    released(task)


def database():
    return sqlite3.connect(LAB.sms.home + "/sms/sms.db", timeout=20)


def change(*statements):
    """What somebody does who can write in the database, and knows no key."""
    db = database()
    with db:
        for statement in statements:
            statement = statement if isinstance(statement, tuple) else (statement,)
            done = db.execute(*statement).rowcount
            check(done != 0, f"{statement} changes something")
    db.close()


def edit(*statements):
    LAB.sms.stop()
    change(*statements)
    LAB.sms.start()


def rows(sql):
    db = database()
    found = db.execute(sql).fetchall()
    db.close()
    return found


def kept():
    """The stopped service's database."""
    with open(LAB.sms.home + "/sms/sms.db", "rb") as f:
        return f.read()


def put_back(content):
    for name in ("sms.db-wal", "sms.db-shm"):
        if os.path.exists(LAB.sms.home + "/sms/" + name):
            os.unlink(LAB.sms.home + "/sms/" + name)
    with open(LAB.sms.home + "/sms/sms.db", "wb") as f:
        f.write(content)


def starts_not(words, *statements):
    """After these changes the service does not start; without them it does."""
    LAB.sms.stop()
    whole = kept()
    change(*statements)
    LAB.sms.start()
    error = LAB.sms.line.get("error", {})
    equal(error.get("code"), "CORRUPT", f"{statements}: {LAB.sms.line}")
    check(words in error["message"], f"{statements}: {error}")
    LAB.sms.stop()
    put_back(whole)
    LAB.sms.start()


def blob(address):
    return bytes.fromhex(address[2:])


@case
def sealed_rows_are_swapped():
    task = World.tasks[-1]
    World.other = LAB.good("protect", "text=something else", wallet=LAB.owner)["address"]
    sealed = rows("SELECT seq, bytes FROM sealed ORDER BY seq")
    check(len(sealed) >= 2, f"{len(sealed)} secrets")
    (first, mine), (second, other) = sealed[0], sealed[-1]
    put = "UPDATE sealed SET bytes = ? WHERE seq = ?"
    edit((put, (other, first)), (put, (mine, second)))
    refused("CORRUPT", task)
    edit((put, (mine, first)), (put, (other, second)))
    released(task)


@case
def what_was_decided_is_rewritten():
    """Only for a purpose that these runs do not state: the owner's message, its removal, and an
    older one in its place."""
    for purpose in ("research", "teaching"):
        LAB.good("policy", "set", LAB.data, "--purpose", purpose, wallet=LAB.owner)
    refused("POLICY_PURPOSE", World.tasks[-1])
    said = [seq for seq, body in rows("SELECT seq, body FROM journal")
            if body[0] == MESSAGE and b"purposes" in body]
    equal(len(said), 2, "messages with terms")
    older, newer = said
    free = b'{"v":1}'
    starts_not("is not ours or not in its place",
               ("UPDATE journal SET body = ? WHERE seq = ?", (free, newer)))
    starts_not("is not ours or not in its place", ("DELETE FROM journal WHERE seq = ?", (newer,)))
    starts_not("is not ours or not in its place",
               ("UPDATE journal SET (body, mac) = (SELECT body, mac FROM journal WHERE seq = ?)"
                " WHERE seq = ?", (older, newer)))
    starts_not("older copy", ("DELETE FROM journal WHERE seq >= ?", (newer,)))
    refused("POLICY_PURPOSE", World.tasks[-1])


def message_entry(forged, version, body):
    """The bytes of an entry of the journal that holds an owner's message."""
    def bytes_of(kind, value):
        return kind + len(value).to_bytes(4, "big") + value

    def number(value):
        return b"i" + value.to_bytes(8, "big")

    return (bytes([MESSAGE]) + bytes_of(b"b", blob(LAB.data)) + bytes_of(b"t", b"policy") + number(version)
            + bytes_of(b"b", blob(forged["signer"])) + number(1) + number(0)
            + bytes_of(b"b", body.encode()) + bytes_of(b"b", blob(forged["sig"])))


@case
def rows_are_put_in():
    """A message that somebody signed indeed, who owns nothing; an old entry once more; a root."""
    free = '{"v":1}'
    key = lab_module.load(LAB.user_home + "/trust.json")["sms"][0]["smsKey"]
    forged = World.player.say(do="policy", object=LAB.data, smsKey=key, version=3, body=free)
    put = "INSERT INTO journal (seq, body, mac) SELECT max(seq) + 1, ?, mac FROM journal"
    root = bytes([14]) + b"b" + (32).to_bytes(4, "big") + b"\x42" * 32
    starts_not("not ours", (put, (message_entry(forged, 3, free),)))
    starts_not("not ours", (put, (root,)))
    starts_not("not ours", "INSERT INTO journal SELECT max(seq) + 1, body, mac FROM journal")
    refused("POLICY_PURPOSE", World.tasks[-1])


@case
def things_are_planted():
    starts_not('"quiet"', "CREATE TRIGGER quiet AFTER INSERT ON journal BEGIN DELETE FROM sealed;"
                          " END")
    starts_not('"secret"', "CREATE VIEW secret AS SELECT * FROM sealed")
    starts_not('"fast"', "CREATE INDEX fast ON journal (mac)")
    starts_not('"sim_root"', "CREATE TABLE sim_root (digest BLOB PRIMARY KEY)")


@case
def rows_are_put_in_while_it_runs():
    task = World.tasks[-1]
    before = rows("SELECT count(*) FROM journal")
    change("INSERT INTO journal SELECT max(seq) + 1, body, mac FROM journal")
    refused("CORRUPT", task)
    change("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")
    equal(rows("SELECT count(*) FROM journal"), before, "nothing was written meanwhile")
    refused("POLICY_PURPOSE", task)
    change("CREATE TRIGGER quiet AFTER INSERT ON journal BEGIN DELETE FROM sealed; END")
    refused("CORRUPT", task)
    change("DROP TRIGGER quiet")
    refused("POLICY_PURPOSE", task)


@case
def an_older_copy_is_restored():
    LAB.sms.stop()
    folder, older = LAB.sms.home + "/sms", os.path.join(LAB.top, "older")
    shutil.copytree(folder, older)
    LAB.sms.start()
    LAB.good("policy", "set", LAB.data, "--purpose", "other", wallet=LAB.owner)
    LAB.sms.stop()
    newer = os.path.join(LAB.top, "newer")
    shutil.copytree(folder, newer)
    for name in os.listdir(folder):
        if name.startswith("sms.db"):
            os.unlink(os.path.join(folder, name))
    for name in os.listdir(older):
        if name.startswith("sms.db"):
            shutil.copy(os.path.join(older, name), folder)
    LAB.sms.start()
    equal(LAB.sms.line.get("error", {}).get("code"), "CORRUPT", f"{LAB.sms.line}")
    LAB.sms.stop()
    shutil.rmtree(folder)
    shutil.copytree(newer, folder)
    LAB.sms.start()
    refused("POLICY_PURPOSE", World.tasks[-1])


try:
    tap.main()
finally:
    LAB.close()
