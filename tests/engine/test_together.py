"""What change requests do together that none of them does alone."""

from dataclasses import replace

import pytest

from previews.engine.manifests import ResourceId
from previews.engine.together import Order, Result, adds_up, interaction, safe_order

BASE = "kind: Deployment\nspec:\n  replicas: 2\n  paused: false\n  strategy: x\n"
WEB = ResourceId("apps", "Deployment", "shop", "web")
OTHER = ResourceId("", "ConfigMap", "shop", "web")

UNCHANGED = Result()
FAILS = Result("failed", fails=True)
SKIPPED = Result("skipped")


def changed(**edits):
    """A result that changes resources: `web="a"` is edit "a" of the Deployment."""
    names = {"web": WEB, "other": OTHER}
    return Result("changed", True, edits={names[name]: ("changed", edit) for name, edit in edits.items()})


def rejected(*rules, **edits):
    """A result that the API server rejects by these rules."""
    return replace(changed(**edits), rejected=frozenset(rules))


def no_texts(resource):
    raise AssertionError(f"the texts of {resource} are not needed")


@pytest.mark.parametrize(
    ("alone", "together", "expected"),
    [
        ([UNCHANGED, UNCHANGED], FAILS, "breaks"),
        ([changed(web="a"), UNCHANGED], FAILS, "breaks"),
        # One that is broken by itself is not broken by the others.
        ([FAILS, UNCHANGED], FAILS, None),
        ([FAILS, UNCHANGED], changed(web="a"), "needs"),
        ([FAILS, UNCHANGED], UNCHANGED, "needs"),
        ([FAILS, FAILS], changed(web="a"), "needs"),
        ([changed(web="a"), changed(web="b")], UNCHANGED, "undone"),
        ([UNCHANGED, UNCHANGED], changed(web="a"), "enables"),
        ([changed(web="a"), UNCHANGED], changed(web="a"), None),
        ([changed(web="a"), changed(web="a")], changed(web="a"), None),
        ([changed(web="a"), changed(other="b")], changed(web="a", other="b"), None),
        ([changed(web="a"), UNCHANGED], changed(web="a", other="c"), "differs"),
        ([changed(web="a"), changed(other="b")], changed(web="a"), "differs"),
        # What the API server takes of each, and does not of all; and the reverse.
        ([changed(web="a"), changed(other="b")], rejected("LABEL", web="a", other="b"), "blocks"),
        ([rejected("LABEL", web="a"), UNCHANGED], rejected("LABEL", "QTY", web="c"), "blocks"),
        ([rejected("LABEL", web="a"), UNCHANGED], changed(web="c"), "awaits"),
        ([rejected("LABEL", web="a"), changed(web="b")], UNCHANGED, "awaits"),
        ([rejected("LABEL", web="a"), UNCHANGED], rejected("LABEL", web="a"), None),
        ([rejected("LABEL", "QTY", web="a"), UNCHANGED], rejected("LABEL", web="a"), None),
        ([replace(changed(web="a"), rejected=None), UNCHANGED], rejected("LABEL", web="a"), None),
        ([FAILS, UNCHANGED], rejected("LABEL", web="a"), "needs"),
        # What was not rendered is not judged.
        ([SKIPPED, changed(web="a")], changed(web="c"), None),
        ([changed(web="a"), UNCHANGED], SKIPPED, None),
        ([UNCHANGED, UNCHANGED], UNCHANGED, None),
        # It fails at the base as well: no doing of theirs.
        ([Result("failed"), Result("failed")], Result("failed"), None),
    ],
)
def test_interactions(alone, together, expected):
    assert interaction(alone, together, no_texts) == expected


def test_two_edits_of_one_resource_are_compared_by_their_texts():
    heads = [BASE.replace("replicas: 2", "replicas: 3"), BASE.replace("paused: false", "paused: true")]
    both = heads[0].replace("paused: false", "paused: true")
    alone, together = [changed(web="a"), changed(web="b")], changed(web="c")
    assert interaction(alone, together, lambda _: (BASE, heads, both)) is None
    assert interaction(alone, together, lambda _: (BASE, heads, both.replace("x", "y"))) == "differs"


def test_a_part_that_comes_out_otherwise_is_told_by_its_text():
    alone, together = [changed(web="a"), UNCHANGED], changed(web="c")
    three, four = (BASE.replace("replicas: 2", f"replicas: {number}") for number in (3, 4))
    assert interaction(alone, together, lambda _: (BASE, [three], four)) == "differs"
    # Another order and a comment, which the other part may have brought, mean the same.
    kind, *lines = three.splitlines(keepends=True)
    same = f"# said\n{''.join(lines)}{kind}"
    assert interaction(alone, together, lambda _: (BASE, [three], same)) is None


def test_what_one_takes_away_is_gone_whatever_the_other_did_to_it():
    removed = Result("removed", True, edits={WEB: ("removed", "x")})
    assert interaction([changed(web="a"), removed], removed, no_texts) is None


def test_a_resource_that_two_parts_add_in_different_ways_is_no_sum():
    alone = [Result("changed", True, edits={WEB: ("added", text)}) for text in "ab"]
    together = Result("changed", True, edits={WEB: ("added", "c")})
    assert interaction(alone, together, lambda _: (None, ["a", "b"], "c")) == "differs"


def items(text):
    """A YAML list."""
    return "".join(f"- {item}\n" for item in text.split()) or "[]\n"


@pytest.mark.parametrize(
    ("heads", "result"),
    [
        (["1 2 3", "1 2 3"], "1 2 3"),
        (["0 1 2 3", "1 2 3 4"], "0 1 2 3 4"),
        # The same edit twice counts once.
        (["1 x 3", "1 x 3"], "1 x 3"),
        # Two texts at one place, in either order.
        (["1 a 2 3", "1 b 2 3"], "1 a b 2 3"),
        (["1 a 2 3", "1 b 2 3"], "1 b a 2 3"),
        # Put in right before and right behind a line that the other one changes.
        (["1 a 2 3", "1 x 3"], "1 a x 3"),
        (["1 2 a 3", "1 x 3"], "1 x a 3"),
        (["2 3", "1 2"], "2"),
    ],
)
def test_edits_that_add_up(heads, result):
    assert adds_up(items("1 2 3"), [items(head) for head in heads], items(result))


@pytest.mark.parametrize(
    ("heads", "result"),
    [
        (["1 x 3", "1 y 3"], "1 x 3"),
        (["1 x 3", "1 2 y"], "1 x 3"),
        (["1 x 3", "1 2 3"], "1 2 3"),
        (["1 a 2 3", "1 b 2 3"], "1 a 2 3"),
        (["1 2 3", "1 2 3"], "1 2 3 4"),
        (["1", "3"], ""),
    ],
)
def test_edits_that_do_not_add_up(heads, result):
    assert not adds_up(items("1 2 3"), [items(head) for head in heads], items(result))


def test_checksums_follow_from_what_changes_elsewhere():
    def text(checksum, image):
        return f"metadata:\n  annotations:\n    checksum/config: {checksum}\nspec:\n  image: {image}\n"

    assert adds_up(text("aaa", "1"), [text("bbb", "1"), text("ccc", "2")], text("ddd", "2"))


def test_who_fails_alone_goes_later():
    assert safe_order([{1}, {1}], 2) == Order((0,), (1,))
    assert safe_order([], 2) is None
    tied = safe_order([{0}, {1}], 2)
    assert tied is not None
    assert tied.is_tied
