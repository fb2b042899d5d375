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
    task = World.tasks.pop()
    for _ in range(8):
        released(task, until="challenge")
    refused("NONCE_LIMIT", task, until="challenge")


@case
def the_fourth_release_is_refused():
    task = World.tasks.pop()
    for _ in range(3):
        released(task)
    refused("RELEASE_LIMIT", task)
    LAB.sms.stop()
    LAB.sms.start()
    refused("RELEASE_LIMIT", task, WORKER_B, 2)
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


def edit(*statements):
    """What somebody does who can write in the database, and knows no key."""
    LAB.sms.stop()
    db = sqlite3.connect(LAB.sms.home + "/sms/sms.db")
    with db:
        for statement in statements:
            check(db.execute(*statement).rowcount > 0, f"{statement} changes something")
    db.close()
    LAB.sms.start()


def rows(sql):
    LAB.sms.stop()
    db = sqlite3.connect(LAB.sms.home + "/sms/sms.db")
    found = db.execute(sql).fetchall()
    db.close()
    LAB.sms.start()
    return found


def blob(address):
    return bytes.fromhex(address[2:])


@case
def sealed_rows_are_swapped():
    task = World.tasks[-1]
    World.other = LAB.good("protect", "text=something else", wallet=LAB.owner)["address"]
    sealed = dict(rows("SELECT address, sealed FROM secret WHERE kind = 0"))
    mine, other = sealed[blob(LAB.data)], sealed[blob(World.other)]
    put = "UPDATE secret SET sealed = ? WHERE kind = 0 AND address = ?"
    edit((put, (other, blob(LAB.data))), (put, (mine, blob(World.other))))
    refused("CORRUPT", task)
    edit((put, (mine, blob(LAB.data))), (put, (other, blob(World.other))))
    released(task)


@case
def who_put_a_secret_there_and_when_are_changed():
    task = World.tasks[-1]
    where = "WHERE kind = 0 AND address = ?"
    edit((f"UPDATE secret SET time = time - 1000 {where}", (blob(LAB.data),)))
    refused("CORRUPT", task)
    edit((f"UPDATE secret SET time = time + 1000 {where}", (blob(LAB.data),)))
    edit((f"UPDATE secret SET pusher = ? {where}", (blob(LAB.user), blob(LAB.data))))
    refused("CORRUPT", task)
    edit((f"UPDATE secret SET pusher = ? {where}", (blob(LAB.owner), blob(LAB.data))))
    released(World.tasks.pop())


@case
def policies_are_rewritten_and_swapped():
    """Only for a purpose that these runs do not state; the other data are free."""
    for data, purpose in ((LAB.data, ["--purpose", "research", "--add", "1"]),
                          (World.other, ["--until", "30d"])):
        LAB.good("grant", data, LAB.app, "any", *purpose, wallet=LAB.owner)
    task = World.tasks[-1]
    refused("POLICY_PURPOSE", task)
    policy = "WHERE kind = 'policy' AND object = ?"
    kept = {o: rest for o, *rest in rows("SELECT object, body, seal, version, signer, time, sig"
                                         " FROM message WHERE kind = 'policy'")}
    mine, other = kept[blob(LAB.data)], kept[blob(World.other)]
    put = f"UPDATE message SET body=?, seal=?, version=?, signer=?, time=?, sig=? {policy}"
    edit((f"UPDATE message SET body = ? {policy}", (b'{"v":1}', blob(LAB.data))))
    refused("CORRUPT", task)
    edit((put, (*other, blob(LAB.data))))
    refused("CORRUPT", task)
    edit((f"UPDATE message SET object = ? {policy}", (blob(LAB.app), blob(World.other))),
         (f"UPDATE message SET version = version + 1 {policy}", (blob(LAB.data),)))
    refused("CORRUPT", task)
    edit((put, (*mine, blob(LAB.data))))
    refused("POLICY_PURPOSE", task)
    # one that somebody signed indeed, who owns nothing
    free, version = '{"v":1}', mine[2] + 5
    key = lab_module.load(LAB.user_home + "/trust.json")["sms"][0]["smsKey"]
    forged = World.player.say(do="policy", object=LAB.data, smsKey=key, version=version, body=free)
    edit((put, (free.encode(), mine[1], version, blob(forged["signer"]), mine[4],
                blob(forged["sig"]), blob(LAB.data))))
    answer = ask(task)
    equal(answer["code"], "CORRUPT", answer.get("message"))
    check("signed" not in answer["message"], f"its signature is one: {answer['message']}")
    edit((put, (*mine, blob(LAB.data))))
    refused("POLICY_PURPOSE", task)


@case
def an_older_copy_is_restored():
    LAB.sms.stop()
    folder, older = LAB.sms.home + "/sms", os.path.join(LAB.top, "older")
    shutil.copytree(folder, older)
    LAB.sms.start()
    LAB.good("grant", LAB.data, LAB.app, "any", "--purpose", "other", "--add", "1", wallet=LAB.owner)
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
