#!/bin/sh
# @NAME@: this runs inside the enclave.
#
# Read from IEXEC_IN, write to IEXEC_OUT. What is printed is a log: who may read it is decided by
# the owners of the data. The result is what computed.json names.
set -eu
result="$IEXEC_OUT/result.txt"

echo "Hello from @NAME@" >"$result"
@if args
echo "arguments: $*" >>"$result"
@end
@if data bulk

# every protected value is a plain file; folders nest as the data does
show() {
  (cd "$1" && find . -type f | sort | while read -r f; do
    echo "${f#./}: $(wc -c <"$f") bytes"
  done)
}
@end
@if data
if [ -d "$IEXEC_IN/protected" ]; then
  show "$IEXEC_IN/protected" >>"$result"
else
  echo "no protected data" >>"$result"
fi
@end
@if bulk
for i in $(seq 1 "${IEXEC_BULK_SLICE_SIZE:-0}"); do
  echo "data $i:" >>"$result"
  show "$IEXEC_IN/protected/$i" >>"$result"
done
@end
@if files
for i in $(seq 1 "$IEXEC_INPUT_FILES_NUMBER"); do
  name=$(printenv "IEXEC_INPUT_FILE_NAME_$i")
  echo "input file $i: $(wc -c <"$IEXEC_IN/$name") bytes" >>"$result"
done
@end
@if secret
secret=${IEXEC_REQUESTER_SECRET_1:-}
echo "requester secret 1: ${#secret} characters" >>"$result"
@end
@if appsecret
secret=${IEXEC_APP_DEVELOPER_SECRET:-}
echo "app secret: ${#secret} characters" >>"$result"
@end

@if callback
# what the contract receives: ABI-encoded bytes; here one uint256
printf '{"callback-data":"0x%064x"}' "$(wc -l <"$result")" >"$IEXEC_OUT/computed.json"
@else
printf '{"deterministic-output-path":"%s"}' "$result" >"$IEXEC_OUT/computed.json"
@end
echo done >&2
