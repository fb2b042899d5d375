"""@NAME@: this runs inside the enclave.

Read from IEXEC_IN, write to IEXEC_OUT. What is printed is a log: who may read it is decided by the
owners of the data. The result is what computed.json names.
"""

import json
import os
import sys
from pathlib import Path

OUT = Path(os.environ["IEXEC_OUT"])
@if data files bulk
IN = Path(os.environ["IEXEC_IN"])
@end

lines = ["Hello from @NAME@"]

@if args
lines.append("arguments: " + " | ".join(sys.argv[1:]))
@end
@if data bulk


def show(folder):
    """Every protected value is a plain file; folders nest as the data does."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            lines.append(f"{path.relative_to(folder)}: {path.stat().st_size} bytes")


@end
@if data
if (IN / "protected").is_dir():
    show(IN / "protected")
else:
    lines.append("no protected data")
@end
@if bulk
for i in range(1, int(os.environ.get("IEXEC_BULK_SLICE_SIZE", "0")) + 1):
    lines.append(f"data {i}:")
    show(IN / "protected" / str(i))
@end
@if files
for i in range(1, int(os.environ["IEXEC_INPUT_FILES_NUMBER"]) + 1):
    name = os.environ[f"IEXEC_INPUT_FILE_NAME_{i}"]
    lines.append(f"input file {i}: {(IN / name).stat().st_size} bytes")
@end
@if secret
secret = os.environ.get("IEXEC_REQUESTER_SECRET_1", "")
lines.append(f"requester secret 1: {len(secret)} characters")
@end
@if appsecret
secret = os.environ.get("IEXEC_APP_DEVELOPER_SECRET", "")
lines.append(f"app secret: {len(secret)} characters")
@end

(OUT / "result.txt").write_text("\n".join(lines) + "\n")
@if callback
# what the contract receives: ABI-encoded bytes; here one uint256
callback = "0x" + len(lines).to_bytes(32, "big").hex()
(OUT / "computed.json").write_text(json.dumps({"callback-data": callback}))
@else
(OUT / "computed.json").write_text(
    json.dumps({"deterministic-output-path": str(OUT / "result.txt")})
)
@end
print("done", file=sys.stderr)
