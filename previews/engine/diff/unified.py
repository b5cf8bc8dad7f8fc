"""Unified diff as text, as `git apply` and `patch` take it: for downloads and for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from previews.engine.diff.lines import diff_lines
from previews.engine.diff.opcodes import Opcode
from previews.engine.diff.rows import CONTEXT

_NOWHERE = "/dev/null"
_NO_NEWLINE = "\n\\ No newline at end of file\n"
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def unified_diff(left: str | None, right: str | None, path: str, context: int = CONTEXT) -> str:
    """The unified diff from `left` to `right`, "" if they are equal. None is a file that is not there.

    `path` has forward slashes and stands behind `a/` and `b/` as in Git. A missing newline at the end is told, as it
    is a difference.
    """
    if left == right:
        return ""
    old, new = _lines_with_ends(left or ""), _lines_with_ends(right or "")
    head = [f"diff --git {_quote('a/' + path)} {_quote('b/' + path)}\n"]
    if left is None:
        head.append("new file mode 100644\n")
    if right is None:
        head.append("deleted file mode 100644\n")
    body = list(_hunks(old, new, context))
    if body:
        head.append(f"--- {_NOWHERE if left is None else _name('a/' + path)}\n")
        head.append(f"+++ {_NOWHERE if right is None else _name('b/' + path)}\n")
    return "".join([*head, *body])


def _lines_with_ends(text: str) -> list[str]:
    """Lines with their LF, as a last line without one is another line than with one."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _name(path: str) -> str:
    """A path in a header line. `patch` ends an unquoted name at a blank unless a tab follows it."""
    quoted = _quote(path)
    return quoted + "\t" if " " in quoted and not quoted.startswith('"') else quoted


def _quote(path: str) -> str:
    """Git's quoting, for names that would break the line they stand in."""
    if not any(char in _ESCAPES or not char.isprintable() for char in path):
        return path
    return '"' + "".join(_escape(char) for char in path) + '"'


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))


def _hunks(old: Sequence[str], new: Sequence[str], context: int) -> Iterator[str]:
    for group in _groups(diff_lines(old, new).opcodes, context):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first.i1, last.i2)} +{_range(first.j1, last.j2)} @@\n"
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (_line(" ", line) for line in old[i1:i2])
                continue
            yield from (_line("-", line) for line in old[i1:i2])
            yield from (_line("+", line) for line in new[j1:j2])


def _groups(opcodes: Sequence[Opcode], context: int) -> Iterator[list[Opcode]]:
    """The changes with up to `context` equal lines around them; changes whose context would touch are in one group."""
    group: list[Opcode] = []
    for at, opcode in enumerate(opcodes):
        tag, i1, i2, j1, j2 = opcode
        if tag != "equal":
            group.append(opcode)
            continue
        head = context if at else 0
        tail = context if at + 1 < len(opcodes) else 0
        if i2 - i1 <= head + tail:
            group.append(opcode)
            continue
        if at:
            yield [*group, Opcode("equal", i1, i1 + head, j1, j1 + head)]
        group = [Opcode("equal", i2 - tail, i2, j2 - tail, j2)]
    if any(opcode.tag != "equal" for opcode in group):
        yield group


def _range(start: int, end: int) -> str:
    """A hunk's lines as `first,count`; an empty range names the line before it."""
    size = end - start
    return f"{start + 1 if size else start},{size}"


def _line(mark: str, line: str) -> str:
    return mark + line if line.endswith("\n") else mark + line + _NO_NEWLINE
