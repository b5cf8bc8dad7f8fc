"""Measures the line diff against difflib and Git, and prints a Markdown table.

    python bench/diff.py [--crds FILE_OR_FOLDER [OTHER]] [--repeat N]

Cases: (a) 300 lines of YAML, 3 edits; (b) 10,000 lines, 200 edits; (c) two versions of 60,000 lines of CRDs: the
YAML files under `--crds`, against those under OTHER or, without it, against edits of themselves; generated without
`--crds`; (d) 20,000 equal lines against 20,001, and 20,000 wholly different ones. difflib is left out where it would
take minutes (`--patient` lets it).
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from previews.engine.diff.lines import diff_lines, split_lines
from previews.engine.diff.opcodes import Opcode, count

Text = list[str]


@dataclass(frozen=True)
class Case:
    """Two texts to compare; `cubic` says that difflib needs minutes or hours for them."""

    name: str
    left: Text
    right: Text
    cubic: bool = False


def main() -> None:
    """Measures each case and prints its row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crds", type=Path, nargs="+", default=[], help="one or two files or folders of CRDs")
    parser.add_argument("--repeat", type=int, default=5, help="runs of ours and of Git, of which the fastest counts")
    parser.add_argument("--patient", action="store_true", help="difflib also where it takes minutes")
    options = parser.parse_args()
    print(
        "| case | lines | ours | changed | difflib | changed | ours is faster | git | git --minimal | changed | more |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for case in cases(options.crds):
        print(row(case, options.repeat, options.patient), flush=True)


def cases(crds: list[Path]) -> Iterator[Case]:
    """The cases of the table, the same in each run."""
    chance = random.Random(4)
    small = manifest(chance, 300)
    yield Case("(a) 300 lines, 3 edits", small, edited(small, 3, chance))
    middle = manifest(chance, 10_000)
    yield Case("(b) 10,000 lines, 200 edits", middle, edited(middle, 200, chance))
    large = read(crds[0]) if crds else crd(chance, 60_000)
    other = read(crds[1]) if len(crds) > 1 else edited(large, 200, chance)
    yield Case("(c) CRDs", large, other)
    yield Case("(d) equal lines, one more", ["x: y"] * 20_000, ["x: y"] * 20_001, cubic=True)
    yield Case("(d) nothing in common", [f"a: {n}" for n in range(20_000)], [f"b: {n}" for n in range(20_000)])


def row(case: Case, repeat: int, patient: bool) -> str:
    """A row of the table."""
    ours, our_changes = fastest(repeat, lambda: changes(diff_lines(case.left, case.right).opcodes))
    cells = [case.name, f"{len(case.left):,} / {len(case.right):,}", shown(ours), f"{our_changes:,}"]
    if case.cubic and not patient:
        cells += ["(minutes)", "", ""]
    else:
        plain, plain_changes = fastest(1, lambda: difflib_changes(case))
        cells += [shown(plain), f"{plain_changes:,}", f"{plain / ours:.0f} ×"]
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in (("left", case.left), ("right", case.right)):
            Path(folder, name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        git, _ = fastest(repeat, lambda: git_changes(folder))
        minimal, fewest = fastest(repeat, lambda: git_changes(folder, "--minimal"))
    cells += [shown(git), shown(minimal), f"{fewest:,}", f"{100 * (our_changes / fewest - 1):.1f} %"]
    return f"| {' | '.join(cells)} |"


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


def crd(chance: random.Random, size: int) -> Text:
    """`size` lines of a schema: deep, and of few different lines, as controller-gen writes it."""
    words = [f"field{n}" for n in range(400)]
    lines: Text = []
    depth = 0
    while len(lines) < size:
        depth = max(0, min(12, depth + chance.choice((-2, -1, 0, 1, 1))))
        pad = "  " * depth
        about = f"{pad}    {chance.choice(words).title()} of {chance.choice(words)} that is optional."
        lines += [f"{pad}{chance.choice(words)}:", f"{pad}  description: |-", about]
        lines += [f"{pad}  type: {chance.choice(('string', 'object', 'integer', 'boolean'))}"]
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
