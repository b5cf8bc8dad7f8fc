"""Secrets masked in a YAML text as people wrote it: its comments and its layout stay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from previews.engine.errors import YamlError
from previews.engine.mask_comments import IsSecret, mask_comments
from previews.engine.masking import Mask, mask_leaf, mask_values, secret_keys, shown
from previews.engine.yamls import Scalar, canonical, dump, load_all, scalars


def mask_text(text: str, patterns: tuple[str, ...], mask: Mask, beside: str = "") -> str:
    """A file of Helm values with marks where `mask_values` puts them, and in comments that look like such values.

    `beside` is the same file on the other side: what is secret there is no less so in a comment here (`# was …`).
    A text that cannot be masked in place is written anew, without comments. One that is no YAML is hidden as a whole,
    behind a sentence that says so.
    """
    if not patterns or mask is shown:
        return text
    try:
        documents = load_all(text)
        masked = [mask_values(document, patterns, mask) for document in documents]
        in_place = _mask_in_place(text, secret_keys(patterns), mask, beside)
        # Whatever went wrong with positions in the text: what it says must be what the values say.
        if in_place is not None and canonical(load_all(in_place)) == canonical(masked):
            return in_place
    except YamlError as error:
        # Its message may quote the text.
        where = f" (line {error.line})" if error.line else ""
        return f"# This file is no YAML{where}, so what is secret in it cannot be told: {mask(text)}\n"
    written = "---\n".join(dump(document) for document in masked)
    # The mark tells that comments differ, if nothing else does.
    return f"# Written anew without comments, as a secret could not be masked in place: {mask(text)}\n{written}"


def _mask_in_place(text: str, is_secret: IsSecret, mask: Mask, beside: str) -> str | None:
    """The text with marks; None when a secret has an anchor or a tag, is an alias, or is one of too many."""
    found = scalars(text)
    secret = [one for one in found if one.key is not None and is_secret(one.key)]
    # Marks count no byte order mark, and between an anchor and its value could stand a comment.
    if text.startswith("\ufeff") or not all(one.bare for one in secret) or any(_is_odd(text, one) for one in found):
        return None
    marks = _marks(found, is_secret, mask)
    hidden = {**_hidden_beside(beside, is_secret, mask), **_forms(text, marks)}
    comments = mask_comments(text, found, is_secret, mask, hidden)
    if comments is None:
        return None
    pieces = [(one.start, _end(text, one), _quoted(mark)) for one, mark in marks]
    at, result = 0, list[str]()
    for start, end, instead in sorted(pieces + comments):
        # The header of a block that is masked may have a comment.
        if start >= at:
            result += (text[at:start], instead)
            at = end
    return "".join((*result, text[at:]))


def _marks(found: Sequence[Scalar], is_secret: IsSecret, mask: Mask) -> list[tuple[Scalar, str]]:
    """The secrets among the scalars, with their marks."""
    marks = [(one, mask_leaf(one.value, mask)) for one in found if one.key is not None and is_secret(one.key)]
    return [(one, mark) for one, mark in marks if mark is not one.value]


def _forms(text: str, marks: Iterable[tuple[Scalar, str]]) -> dict[str, str]:
    """What a comment may quote of secrets, with their marks: what they mean, what is written, and lines of either."""
    return {
        form: mark
        for one, mark in marks
        for whole in (str(one.value), text[one.start : _end(text, one)].strip("\"'"))
        for form in (whole, *(line.strip() for line in whole.splitlines()))
    }


def _hidden_beside(text: str, is_secret: IsSecret, mask: Mask) -> dict[str, str]:
    try:
        return _forms(text, _marks(scalars(text), is_secret, mask))
    except YamlError:
        return {}


def _is_odd(text: str, scalar: Scalar) -> bool:
    return not scalar.bare and "#" in text[scalar.start : scalar.end]


def _quoted(mark: str) -> str:
    return json.dumps(mark, ensure_ascii=False)


def _end(text: str, scalar: Scalar) -> int:
    """Where a scalar's own text ends: behind a block's last line may be empty ones."""
    return scalar.start + len(text[scalar.start : scalar.end].rstrip())
