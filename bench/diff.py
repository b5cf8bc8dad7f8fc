"""Measures the line diff against difflib and Git, and prints a Markdown table.

    python -m bench.diff [--crds FILE_OR_FOLDER [OTHER]] [--repeat N] [--patient]

Cases: (a) 300 lines of YAML, 3 edits; (b) 10,000 lines, 200 edits; (c) the Prometheus operator's CRDs in two versions,
of 59,000 lines each (`bench/crds.py` fetches them), or the YAML files under `--crds`, against those under OTHER or,
without it, against edits of themselves; (d) 20,000 equal lines against 20,001, and 20,000 wholly different ones.
difflib is given up after a minute (not with `--patient`). Ends with 1 when a bar of the table is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from multiprocessing.connection import Connection
from pathlib import Path

from bench import crds
from previews.engine.diff.lines import diff_lines, split_lines
from previews.engine.diff.opcodes import Opcode, count

Text = list[str]


#: Seconds that difflib gets: enough to show that it is 20 times slower.
LIMIT = 60


@dataclass(frozen=True)
class Case:
    """Two texts to compare, and the bars: so many times faster than difflib, within so many seconds.

    What must be faster must also change at most 2 % more lines than Git's minimal diff.
    """

    name: str
    left: Text
    right: Text
    faster: int = 0
    seconds: float = 60


def main() -> None:
    """Measures each case and prints its row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crds", type=Path, nargs="+", default=[], help="one or two files or folders of CRDs")
    parser.add_argument("--repeat", type=int, default=5, help="runs of ours and of Git, of which the fastest counts")
    parser.add_argument("--patient", action="store_true", help="difflib to its end, for hours if need be")
    options = parser.parse_args()
    print(
        "| case | lines | ours | changed | difflib | changed | ours is faster | git | git --minimal | changed | more |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    missed = []
    for case in cases(options.crds):
        cells, misses = row(case, options.repeat, None if options.patient else LIMIT)
        print(f"| {' | '.join(cells)} |", flush=True)
        missed += [f"{case.name}: {miss}" for miss in misses]
    print("\n" + ("\n".join(f"MISSED {miss}" for miss in missed) or "All bars hold."))
    sys.exit(1 if missed else 0)


def cases(paths: list[Path]) -> Iterator[Case]:
    """The cases of the table, the same in each run."""
    chance = random.Random(4)
    small = manifest(chance, 300)
    yield Case("(a) 300 lines, 3 edits", small, edited(small, 3, chance))
    middle = manifest(chance, 10_000)
    yield Case("(b) 10,000 lines, 200 edits", middle, edited(middle, 200, chance), faster=20)
    yield Case(*large_texts(paths, chance), faster=20)
    yield Case("(d) equal lines, one more", ["x: y"] * 20_000, ["x: y"] * 20_001, seconds=1)
    different = [f"a: {n}" for n in range(20_000)], [f"b: {n}" for n in range(20_000)]
    yield Case("(d) nothing in common", *different, seconds=1)


def large_texts(paths: list[Path], chance: random.Random) -> tuple[str, Text, Text]:
    """The CRDs that are asked for, else the operator's, else generated ones."""
    if paths:
        left = read(paths[0])
        return "(c) CRDs", left, read(paths[1]) if len(paths) > 1 else edited(left, 200, chance)
    try:
        name = f"(c) CRDs of {crds.BEFORE} and {crds.AFTER}"
        return name, split_lines(crds.text(crds.BEFORE)), split_lines(crds.text(crds.AFTER))
    except crds.NoCrds as error:
        print(f"the CRDs are generated, for the real ones could not be fetched: {error}", file=sys.stderr)
        left = split_lines("---\n".join(crds.generated(60_000).values()))
        return "(c) generated CRDs, 200 edits", left, edited(left, 200, chance)


def row(case: Case, repeat: int, limit: float | None) -> tuple[list[str], list[str]]:
    """A row of the table, and the bars that are missed."""
    ours, our_changes = fastest(repeat, lambda: changes(diff_lines(case.left, case.right).opcodes))
    plain, plain_changes = measured_difflib(case, limit)
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in (("left", case.left), ("right", case.right)):
            Path(folder, name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        git, _ = fastest(repeat, lambda: git_changes(folder))
        minimal, fewest = fastest(repeat, lambda: git_changes(folder, "--minimal"))
    above = "> " if plain_changes is None else ""
    cells = [case.name, f"{len(case.left):,} / {len(case.right):,}", shown(ours), f"{our_changes:,}"]
    cells += [
        above + shown(plain),
        "" if plain_changes is None else f"{plain_changes:,}",
        f"{above}{plain / ours:.0f} ×",
    ]
    cells += [shown(git), shown(minimal), f"{fewest:,}", f"{100 * (our_changes / fewest - 1):.1f} %"]
    misses = []
    if plain < case.faster * ours:
        misses.append(f"not {case.faster} times faster than difflib")
    if case.faster and our_changes > 1.02 * fewest:
        misses.append("more than 2 % more changed lines than git --minimal")
    if ours > case.seconds:
        misses.append(f"not within {case.seconds} s")
    return cells, misses


def measured_difflib(case: Case, limit: float | None) -> tuple[float, int | None]:
    """Seconds and changed lines of difflib alone; the limit and None where it had not ended by then."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=send_difflib, args=(theirs, case))
    process.start()
    found = ours.recv() if ours.poll(limit) else (limit, None)
    process.kill()
    process.join()
    return found


def send_difflib(pipe: Connection, case: Case) -> None:
    """What a process of its own does, which can be given up."""
    pipe.send(fastest(1, lambda: difflib_changes(case)))


def fastest(repeat: int, work: Callable[[], int]) -> tuple[float, int]:
    """The seconds of the fastest run, and what the work gave."""
    times = []
    result = 0
    for _ in range(repeat):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def shown(seconds: float) -> str:
    """Seconds for people: `3.2 ms` or `12.0 s`."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def changes(opcodes: tuple[Opcode, ...]) -> int:
    """Lines added and removed together."""
    return sum(count(opcodes))


def difflib_changes(case: Case) -> int:
    """What difflib alone finds, without its shortcut that ignores frequent lines in texts of 200 lines or more."""
    opcodes = SequenceMatcher(None, case.left, case.right, autojunk=False).get_opcodes()
    return sum(i2 - i1 + j2 - j1 for tag, i1, i2, j1, j2 in opcodes if tag != "equal")


def git_changes(folder: str, *options: str) -> int:
    """What Git finds, start of the process included."""
    command = ["git", "diff", "--no-index", "--numstat", *options, "left", "right"]
    added, removed, _ = subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout.split("\t")
    return int(added) + int(removed)


def read(path: Path) -> Text:
    """The lines of a file, or of all YAML files of a folder in the order of their names."""
    files = sorted(path.rglob("*.y*ml")) if path.is_dir() else [path]
    return [line for file in files for line in split_lines(file.read_text(encoding="utf-8"))]


def manifest(chance: random.Random, size: int) -> Text:
    """`size` lines of Deployments, much alike, as a chart renders them."""
    lines: Text = []
    while len(lines) < size:
        name = f"app-{chance.randrange(10**6)}"
        lines += ["---", "apiVersion: apps/v1", "kind: Deployment", "metadata:", f"  name: {name}", "  labels:"]
        lines += [f"    app.kubernetes.io/name: {name}", "    app.kubernetes.io/managed-by: Helm", "spec:"]
        lines += [f"  replicas: {chance.randrange(9)}", "  template:", "    spec:", "      containers:"]
        for part in range(chance.randrange(1, 4)):
            lines += [
                f"      - name: c{part}",
                f"        image: registry/{name}:1.{chance.randrange(40)}",
                "        env:",
            ]
            for variable in range(chance.randrange(8)):
                lines += [f"        - name: OPTION_{variable}", f"          value: '{chance.randrange(20)}'"]
    return lines[:size]


def edited(lines: Text, edits: int, chance: random.Random) -> Text:
    """The text after so many edits: a value changed, a few lines removed, a few inserted from elsewhere."""
    result = list(lines)
    for _ in range(edits):
        at, other = chance.randrange(len(result) - 30), chance.randrange(len(result) - 30)
        size = chance.randrange(1, 30)
        match chance.randrange(4):
            case 0:
                del result[at : at + size]
            case 1:
                result[at:at] = result[other : other + size]
            case _:
                result[at] += "0"
    return result


if __name__ == "__main__":
    main()
