#!/usr/bin/env python3
"""Homes, passphrases, keystores and keys that others may read or replace are refused by name, with
the command that mends it."""
import glob
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("private")


class Run:
    wallet = None


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def keystore():
    return glob.glob(os.path.join(LAB.keys, "*"))[0]


def opened(path, mode, who, *args, mend):
    """Refused while the path has this mode; fine after the command that the refusal names."""
    kept = mode_of(path)
    os.chmod(path, mode)
    error = LAB.refused(who, *args, code="FORBIDDEN")
    os.chmod(path, kept)
    check(path in error["message"] and f"{mode:04o}" in error["message"], f"names it: {error}")
    equal(error["hint"], f"chmod {mend} {path}", f"the remedy for {path}")


def owned(path, who, *args):
    """Refused while the path belongs to another user."""
    os.lchown(path, 12345, -1)
    error = LAB.refused(who, *args, code="FORBIDDEN")
    os.lchown(path, os.geteuid(), -1)
    check(path in error["message"] and "12345" in error["message"], f"names it: {error}")


@case
def a_home_is_made_private():
    LAB.up()
    Run.wallet = LAB.wallet()
    equal(LAB.stop(), 0, "end")
    for name, mode in (("", 0o700), ("passphrase", 0o600), ("sms", 0o700), ("front", 0o700),
                       ("sms/root", 0o600), ("sms/sms.db", 0o600), ("front/ledger.db", 0o600),
                       ("front/market.db", 0o600), ("scheduler/wallet.json", 0o600),
                       ("worker/sim-root.key", 0o600)):
        equal(mode_of(os.path.join(LAB.home, name)), mode, name or "home")
    equal(mode_of(keystore()), 0o600, "keystore")


@case
def open_modes_refuse_the_start():
    up = ("up", "--port", "0")
    for name, mode, mend in (("passphrase", 0o644, "600"), ("passphrase", 0o620, "600"),
                             ("sms", 0o755, "700"), ("sms", 0o710, "700"), ("front", 0o750, "700"),
                             ("scheduler/wallet.json", 0o640, "600"),
                             ("worker/wallet.json", 0o604, "600"), ("sms/root", 0o644, "600"),
                             ("worker/sim-root.key", 0o640, "600")):
        opened(os.path.join(LAB.home, name), mode, None, *up, mend=mend)
    opened(LAB.home, 0o755, None, *up, mend="700")
    given = LAB.write("given", "a passphrase of mine\n")
    opened(given, 0o644, None, *up, "--passphrase-file", given, mend="600")


@case
def what_others_own_refuses_the_start():
    if os.geteuid() != 0:
        raise tap.Skip("only root can give files away")
    for name in ("", "passphrase", "sms", "scheduler/wallet.json"):
        owned(os.path.join(LAB.home, name).rstrip("/"), None, "up", "--port", "0")


@case
def wallets_and_passwords_that_others_may_read_sign_nothing():
    opened(LAB.home, 0o750, None, "wallet", "list", mend="700")
    LAB.up()
    deposit = ("balance", "--faucet", "1RLC")
    opened(keystore(), 0o644, Run.wallet, *deposit, mend="600")
    opened(LAB.password, 0o604, Run.wallet, *deposit, mend="600")
    if os.geteuid() == 0:
        owned(keystore(), Run.wallet, *deposit)
        owned(LAB.password, Run.wallet, *deposit)
        link = LAB.path("link")
        os.symlink(LAB.password, link)
        os.lchown(link, 12345, -1)
        error = LAB.refused(Run.wallet, *deposit, "--password-file", link, code="FORBIDDEN")
        check(link in error["message"], f"the link: {error}")
    LAB.good(Run.wallet, *deposit)
    equal(LAB.stop(), 0, "end")


@case
def a_folder_above_that_others_may_change_is_refused():
    os.chmod(LAB.top, 0o777)
    error = LAB.refused(None, "wallet", "list", code="FORBIDDEN")
    os.chmod(LAB.top, 0o1777)
    LAB.one(None, "wallet", "list")
    os.chmod(LAB.top, 0o700)
    equal(error["hint"], f"chmod go-w {LAB.top}", "the remedy")


try:
    tap.main()
finally:
    LAB.close()
