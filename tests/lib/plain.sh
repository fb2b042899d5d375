#!/bin/sh
# usage: plain.sh PROGRAM ARGUMENT..   Runs a test program as a plain uid: nobody where the runner is root, else
# the runner. Where a folder above the build lets only its owner pass (/root, a home of mode 0700), copies
# of the program, of the guest and of the files among the arguments are used.
[ "$(id -u)" -eq 0 ] || exec "$@"
as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
if $as_nobody test -x "$1" && $as_nobody test -x "$IA_GUEST"; then
  exec $as_nobody env HOME=/tmp "$@"
fi
copies=$(mktemp -d /tmp/iapp-plain.XXXXXX) || exit 1
trap 'rm -rf "$copies"' EXIT
copy() { # FILE: where its copy lies
  cp "$1" "$copies/$(basename "$1")" || exit 1
  echo "$copies/$(basename "$1")"
}
guest=$(copy "$IA_GUEST") || exit 1
n=$#
while [ "$n" -gt 0 ]; do
  word=$1
  shift
  if [ -f "$word" ]; then
    word=$(copy "$word") || exit 1
  fi
  set -- "$@" "$word"
  n=$((n - 1))
done
chmod -R a+rX "$copies"
cd "$copies" || exit 1
$as_nobody env HOME=/tmp IA_GUEST="$guest" "$@"
