"""Private summary of a table: this runs inside the enclave, on data that nobody else sees.

Takes the protected value "table", a CSV file with a header, and writes result.txt: size, spread of
every numeric column, counts of every column with few values, and the strongest correlations. What
could point at a single person stays out: no extremes, no count below SMALLEST, no raw row.
"""

import csv
import json
import os
import statistics
from itertools import combinations
from pathlib import Path

SMALLEST = 10  # people behind any figure that leaves
FEW = 6  # distinct values up to which a column is counted value by value
STRONGEST = 5

IN = Path(os.environ["IEXEC_IN"])
OUT = Path(os.environ["IEXEC_OUT"])


def read_table(path):
    with open(path, newline="", encoding="utf-8-sig") as f:
        rows = [row for row in csv.DictReader(f) if any(row.values())]
    if len(rows) < SMALLEST:
        raise SystemExit(f"the table has {len(rows)} rows; at least {SMALLEST} are wanted")
    return {name: [row[name] for row in rows] for name in rows[0] if name}


def numbers(values):
    """The column as numbers, None where a cell is empty; None when it holds text."""
    try:
        return [float(v) if v and v.strip() else None for v in values]
    except ValueError:
        return None


def spread(name, column):
    known = [v for v in column if v is not None]
    if len(known) < SMALLEST:
        return f"{name:<12} too few values"
    low, middle, high = statistics.quantiles(known, n=4)
    return (
        f"{name:<12} n {len(known):>6}  mean {statistics.fmean(known):>10.3f}"
        f"  sd {statistics.stdev(known):>9.3f}  quartiles {low:.4g} | {middle:.4g} | {high:.4g}"
    )


def counts(name, values):
    seen = {}
    for value in values:
        seen[value] = seen.get(value, 0) + 1
    # one small count left out could be computed from the others and the total
    if min(seen.values()) < SMALLEST:
        return f"{name:<12} some values stand for fewer than {SMALLEST} people"
    return f"{name:<12} " + ", ".join(f"{v or '(empty)'}: {n}" for v, n in sorted(seen.items()))


def strongest(columns):
    found = []
    for a, b in combinations(columns, 2):
        pairs = [(x, y) for x, y in zip(columns[a], columns[b]) if x is not None and y is not None]
        xs, ys = zip(*pairs) if len(pairs) >= SMALLEST else ((), ())
        if len(set(xs)) > 1 and len(set(ys)) > 1:
            found.append((statistics.correlation(xs, ys), a, b))
    found.sort(key=lambda item: -abs(item[0]))
    return [f"{a} and {b}: {r:+.2f}" for r, a, b in found[:STRONGEST]]


def main():
    table = read_table(IN / "protected" / "table")
    numeric = {name: column for name, values in table.items() if (column := numbers(values))}
    few = {name: values for name, values in table.items() if len(set(values)) <= FEW}
    lines = [f"{len(next(iter(table.values())))} rows, {len(table)} columns", ""]
    lines += [spread(name, column) for name, column in numeric.items() if name not in few]
    lines += ["", *(counts(name, values) for name, values in few.items())]
    lines += ["", "strongest correlations", *strongest(numeric)]
    (OUT / "result.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (OUT / "computed.json").write_text(
        json.dumps({"deterministic-output-path": str(OUT / "result.txt")}), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
