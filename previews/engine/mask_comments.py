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
_BLOCK = re.compile(r"[|>][-+0-9]*(\s+#.*)?")
_ITEM = re.compile(r"-\s+")
_ITEMS = re.compile(r"(-\s+)*")
#: What is no secret under any key. Whatever else a parser makes nothing of (a tag, an anchor) may be one.
_NOTHING = re.compile(r"(\"\"|''|~|null|true|false|yes|no|on|off)(\s+#.*)?", re.IGNORECASE)


def mask_comments(
    text: str, scalars: Sequence[Scalar], is_secret: IsSecret, mask: Mask, hidden: Mapping[str, str]
) -> list[Piece] | None:
    """What to put in place of comments. `scalars` are all of the text, `hidden` the secrets in it with their marks.

    In `# key: value` the value of a secret key is masked, and so are the lines below it that stand further in, and
    `# - item` in a secret list. None when there are too many secrets to look for.
    """
    places = list(_places(text, scalars, is_secret))
    long = {secret: mark for secret, mark in hidden.items() if len(secret) >= _SHORTEST}
    if places and len(long) > _MOST:
        return None
    comments = "\n".join(text[start:end] for start, end, _ in places)
    # The longest first: a part of one can be another.
    used = {secret: long[secret] for secret in sorted(long, key=len, reverse=True) if secret in comments}
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
    # The column of a secret key in the comments above, -1 for none, and whether its value only begins below it.
    outer, lists = -1, False
    before = 0
    for start, end, after_secret in places:
        comment = text[start:end]
        above = text[before:start].rpartition("\n")
        # Editors leave empty lines as they are when they make comments of a block.
        is_alone, is_next = not above[2].strip(), not above[0].strip()
        before = end
        indent = len(comment) - len(comment.lstrip("# "))
        column = len(above[2]) + indent
        content = comment[indent:]
        item = _ITEM.match(content)
        is_below = not content or column > outer or (column == outer and lists and item)
        if outer >= 0 and is_alone and is_next and is_below:
            if content:
                yield start, end, comment[:indent] + mask(content)
            continue
        if after_secret and is_alone and item:
            yield start, end, comment[:indent] + item[0] + mask(content[item.end() :])
            continue
        masked, goes_on, lists = _mask_one(comment, is_secret, mask)
        items = _ITEMS.match(content)
        outer = column + (items.end() if items else 0) if goes_on and is_alone else -1
        for secret, mark in used.items():
            masked = masked.replace(secret, mark)
        if masked != comment:
            yield start, end, masked


def _mask_one(comment: str, is_secret: IsSecret, mask: Mask) -> tuple[str, bool, bool]:
    """The comment without the value of a secret key in it, whether that may go on below, and only begins there."""
    for sign in re.finditer("[:=]", comment):
        key = comment[max(0, sign.start() - _LONGEST_KEY) : sign.start()].strip("#- \t\"'")
        word = key.split()[-1].strip("\"'{[(,") if key else ""
        if not key or not (is_secret(key) or is_secret(word)):
            continue
        value = comment[sign.end() :].strip()
        if not value or _BLOCK.fullmatch(value):
            return comment, True, True
        if _NOTHING.fullmatch(value):
            return comment, False, False
        return f"{comment[: sign.end()]} {_mark(value, mask)}", True, False
    return comment, False, False


def _mark(value: str, mask: Mask) -> str:
    """The mark that the value would have were it no comment."""
    try:
        read = load(value)
    except YamlError:
        return mask(value)
    mark = None if isinstance(read, (dict, list)) else mask_leaf(read, mask)
    return mask(value) if mark is None or mark is read else str(mark)
