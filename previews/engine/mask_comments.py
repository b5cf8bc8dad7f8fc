"""Comments of a YAML text that hold a secret: a value that was commented out, or a word of one that is in use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from previews.engine.errors import YamlError
from previews.engine.masking import Mask, mask_leaf
from previews.engine.yamls import Scalar, load

IsSecret = Callable[[str], bool]
#: Characters from one to another, and what stands there instead.
Piece = tuple[int, int, str]
#: From, to, and whether it stands behind a secret, or behind the key of one.
Place = tuple[int, int, bool]

#: Shorter secrets are not looked for: they would be found in every word. Nor are more than can be found in time.
_SHORTEST = 6
_MOST = 1000
_LONGEST_KEY = 200
_LINE_END = re.compile(r"[\n\r\x85\u2028\u2029]")
_BLOCK = re.compile(r"[|>][-+0-9]*$")


def mask_comments(
    text: str, scalars: Sequence[Scalar], is_secret: IsSecret, mask: Mask, hidden: Mapping[str, str]
) -> list[Piece] | None:
    """What to put in place of comments. `scalars` are all of the text, `hidden` the secrets in it with their marks.

    In `# key: value` the value of a secret key is masked, and so are the lines below `# key:` that stand further in,
    and `# - item` in a secret list. None when there are too many secrets to look for.
    """
    places = list(_places(text, scalars, is_secret))
    long = {secret: mark for secret, mark in hidden.items() if len(secret) >= _SHORTEST}
    if places and len(long) > _MOST:
        return None
    comments = "\n".join(text[start:end] for start, end, _ in places)
    used = {secret: mark for secret, mark in long.items() if secret in comments}
    return list(_masked(text, places, is_secret, mask, used))


def _places(text: str, scalars: Sequence[Scalar], is_secret: IsSecret) -> Iterator[Place]:
    """Every comment: what begins with a # outside the scalars."""
    at, after_secret = 0, False
    for scalar in scalars:
        # In the first line of a block, behind the |, can be one.
        begin = _line_end(text, scalar.start) if scalar.block else scalar.start
        yield from _places_between(text, at, begin, after_secret)
        at = max(begin, scalar.end)
        after_secret = is_secret(str(scalar.value) if scalar.key is None else scalar.key)
    yield from _places_between(text, at, len(text), after_secret)


def _places_between(text: str, at: int, end: int, after_secret: bool) -> Iterator[Place]:
    while (start := text.find("#", at, end)) >= 0:
        at = _line_end(text, start)
        yield start, at, after_secret


def _line_end(text: str, at: int) -> int:
    found = _LINE_END.search(text, at)
    return found.start() if found else len(text)


def _masked(
    text: str, places: Sequence[Place], is_secret: IsSecret, mask: Mask, used: Mapping[str, str]
) -> Iterator[Piece]:
    outer = -1  # the column of a secret key whose value stands in the comments below it, -1 for none
    before = 0
    for start, end, after_secret in places:
        comment = text[start:end]
        above = text[before:start].rpartition("\n")
        is_alone, is_next = not above[2].strip(), not above[0].strip() and above[0].count("\n") == 0
        before = end
        indent = len(comment) - len(comment.lstrip("# "))
        column = len(above[2]) + indent
        content = comment[indent:]
        is_below = not content or column > outer or (column == outer and content.startswith("-"))
        if outer >= 0 and is_alone and is_next and is_below:
            if content:
                yield start, end, comment[:indent] + mask(content)
            continue
        if after_secret and is_alone and content.startswith("- "):
            yield start, end, f"{comment[:indent]}- {mask(content[2:])}"
            continue
        masked, is_open = _mask_one(comment, is_secret, mask)
        outer = column if is_open and is_alone else -1
        for secret, mark in used.items():
            masked = masked.replace(secret, mark)
        if masked != comment:
            yield start, end, masked


def _mask_one(comment: str, is_secret: IsSecret, mask: Mask) -> tuple[str, bool]:
    """The comment without the value of a secret key in it, and whether that value stands below."""
    for sign in re.finditer("[:=]", comment):
        key = comment[max(0, sign.start() - _LONGEST_KEY) : sign.start()].strip("#- \t\"'")
        word = key.split()[-1].strip("\"'{[(,") if key else ""
        if not key or not (is_secret(key) or is_secret(word)):
            continue
        value = comment[sign.end() :].strip()
        if not value or _BLOCK.match(value):
            return comment, True
        mark = _mark(value, mask)
        return (comment if mark is None else f"{comment[: sign.end()]} {mark}"), False
    return comment, False


def _mark(value: str, mask: Mask) -> str | None:
    """The mark that the value would have were it no comment; None when it is no secret."""
    try:
        read = load(value)
    except YamlError:
        return mask(value)
    if isinstance(read, (dict, list)):
        return mask(value)
    mark = mask_leaf(read, mask)
    return None if mark is read else str(mark)
