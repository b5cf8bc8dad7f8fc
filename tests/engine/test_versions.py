"""Constraints choose as Masterminds/semver does."""

import pytest

from previews.engine.versions import best, parse_version, satisfies


@pytest.mark.parametrize(
    ("constraint", "version", "fits"),
    [
        ("^1.2.3", "1.9.0", True), ("^1.2.3", "2.0.0", False), ("^0.2.3", "0.3.0", False), ("^0.0.3", "0.0.4", False),
        ("~1.2", "1.2.9", True), ("~1.2", "1.3.0", False), ("~1", "1.9.0", True),
        ("1.x", "1.5.0", True), ("1.x.x", "1.5.0", True), ("1.x", "2.0.0", False), ("*", "3.0.0", True),
        ("*", "3.0.0-rc1", False), (">=1.0.0-0", "1.0.1-rc1", True), ("1.2.3", "1.2.4", False), ("=1.2.3", "1.2.3", True),
        (">1.2", "1.2.5", False), (">1.2", "1.3.0", True), ("<=1.2", "1.2.9", True), ("<1.2", "1.2.0", False),
        ("1.0.0 - 2.0.0", "1.5.0", True), ("1.0 || 3", "3.4.0", True), ("!=1.2.3", "1.2.3", False),
        (">=1.0 <2.0", "1.4.0", True), (">=1.0, <2.0", "2.0.0", False), ("v1.2.3", "1.2.3", True),
        ("1.2.3-rc1", "1.2.3-rc1", True), ("1.2.3-rc1", "1.2.3", False), ("nonsense", "1.0.0", False),
    ],
)  # fmt: skip
def test_a_constraint(constraint, version, fits):
    assert satisfies(constraint)(parse_version(version)) is fits


def test_the_highest_that_fits_is_best():
    assert best("^1.2", ["1.2.0", "1.10.0", "1.9.9", "2.0.0", "1.11.0-rc1", "junk"]) == "1.10.0"
    assert best("^3", ["1.2.0"]) is None


def test_prereleases_come_before_their_release_and_numbers_compare_as_numbers():
    order = ["1.0.0-alpha", "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0-beta", "1.0.0"]
    assert sorted(order, key=parse_version) == order
