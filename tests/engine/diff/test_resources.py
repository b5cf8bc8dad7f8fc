"""Resources of two manifests find each other by identity, and when renamed by what they say."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from previews.engine.diff.resources import ResourcePair, pair_resources
from previews.engine.manifests import Resource, ResourceId


def resource(name: str, body: str = "x: 1\n", kind: str = "ConfigMap", namespace: str = "ns") -> Resource:
    text = f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{body}"
    return Resource(ResourceId("", kind, namespace, name), "v1", text, hashlib.sha256(text.encode()).hexdigest())


def told(pairs: tuple[ResourcePair, ...]) -> list[tuple[str, str | None, str | None]]:
    """The state of each pair and the names of its sides."""
    return [(pair.state, name(pair.left), name(pair.right)) for pair in pairs]


def name(resource: Resource | None) -> str | None:
    return resource.id.name if resource else None


BODY = "data:\n  url: https://example.org\n  retries: '3'\n  mode: fast\n  owner: team\n"

some = st.lists(
    st.builds(resource, st.sampled_from("abcd"), st.sampled_from(["x: 1\n", BODY]), st.sampled_from(["Pod", "Job"])),
    max_size=12,
)


@given(some, some)
def test_every_resource_is_in_one_pair_or_equal(left: list[Resource], right: list[Resource]) -> None:
    paired = pair_resources(left, right)
    lefts = [pair.left for pair in paired.changed if pair.left]
    rights = [pair.right for pair in paired.changed if pair.right]
    assert len(lefts) + paired.equal == len(left)
    assert len(rights) + paired.equal == len(right)
    assert all(any(r is other for other in left) for r in lefts)
    places = [next(at for at, other in enumerate(right) if other is r) for r in rights]
    assert places == sorted(places)
    assert all(pair.left != pair.right for pair in paired.changed)


@given(some)
def test_a_manifest_and_itself_in_another_order_are_equal(resources: list[Resource]) -> None:
    paired = pair_resources(resources, resources[::-1])
    assert (paired.equal, paired.changed) == (len(resources), ())


def test_equal_resources_are_counted_and_changed_ones_paired() -> None:
    left = [resource("a"), resource("b")]
    paired = pair_resources(left, [resource("a"), resource("b", "x: 2\n")])
    assert paired.equal == 1
    assert told(paired.changed) == [("changed", "b", "b")]
    assert not paired.changed[0].renamed


def test_the_order_is_the_right_one_with_removed_resources_where_they_stood() -> None:
    left = [resource("gone1", "p: q\n"), resource("a"), resource("gone2", "r: s\n"), resource("b")]
    right = [resource("b", "x: 2\n"), resource("a"), resource("new", "t: u\n")]
    assert told(pair_resources(left, right).changed) == [
        ("removed", "gone1", None),
        ("changed", "b", "b"),
        ("removed", "gone2", None),
        ("added", None, "new"),
    ]


def test_a_config_map_with_a_hash_in_its_name_is_the_same_one_renamed() -> None:
    left = [resource("app-5h8f6k2m9t", "data:\n  a: 1\n")]
    right = [resource("app-7c4bd9gk2h", "data:\n  b: 2\n")]
    (pair,) = pair_resources(left, right).changed
    assert (pair.state, pair.renamed) == ("changed", True)
    assert pair.id.name == "app-7c4bd9gk2h"


def test_a_renamed_release_keeps_its_resources_together() -> None:
    left = [resource("old-web", BODY + "  self: old-web\n"), resource("old-db", "spec:\n  disk: 1Gi\n  class: fast\n")]
    right = [resource("new-db", "spec:\n  disk: 1Gi\n  class: fast\n"), resource("new-web", BODY + "  self: new-web\n")]
    assert told(pair_resources(left, right).changed) == [
        ("changed", "old-db", "new-db"),
        ("changed", "old-web", "new-web"),
    ]


def test_among_resources_that_say_the_same_the_likest_name_wins() -> None:
    left = [resource("old-web-cm", BODY), resource("old-db-cm", BODY)]
    right = [resource("new-db-cm", BODY), resource("new-web-cm", BODY)]
    assert told(pair_resources(left, right).changed) == [
        ("changed", "old-db-cm", "new-db-cm"),
        ("changed", "old-web-cm", "new-web-cm"),
    ]


def test_a_resource_that_moves_to_another_namespace_is_renamed() -> None:
    (pair,) = pair_resources([resource("a", BODY)], [resource("a", BODY, namespace="other")]).changed
    assert pair.renamed


def test_resources_with_little_in_common_are_removed_and_added() -> None:
    left, right = [resource("web", BODY)], [resource("db", "spec:\n  disk: 1Gi\n  class: fast\n")]
    assert [pair.state for pair in pair_resources(left, right).changed] == ["removed", "added"]


def test_resources_of_another_kind_are_never_the_same() -> None:
    paired = pair_resources([resource("a", BODY)], [resource("a", BODY, kind="Secret")])
    assert sorted(pair.state for pair in paired.changed) == ["added", "removed"]


def test_of_two_namesakes_the_equal_one_stays_paired() -> None:
    left = [resource("a", "x: 1\n"), resource("a", "x: 2\n")]
    paired = pair_resources(left, [resource("a", "x: 2\n")])
    assert (paired.equal, told(paired.changed)) == (1, [("removed", "a", None)])


def test_many_resources_are_paired_by_stem_only() -> None:
    left = [resource(f"app{n}-5h8f6k2m9t", f"n: {n}\n") for n in range(150)]
    right = [resource(f"app{n}-7c4bd9gk2h", f"m: {n}\n") for n in range(150)]
    assert all(pair.renamed for pair in pair_resources(left, right).changed)


def test_a_resource_that_mostly_says_its_own_name_is_known_when_renamed() -> None:
    uses = "spec:\n" + "".join(f"  use{n}: {{}}-{n}\n" for n in range(5))
    left, right = [resource("web", uses.replace("{}", "web"))], [resource("site", uses.replace("{}", "site"))]
    assert told(pair_resources(left, right).changed) == [("changed", "web", "site")]


def test_too_many_resources_are_not_compared_by_what_they_say() -> None:
    left, right = ([resource(f"{side}{n}", BODY) for n in range(101)] for side in ("old", "new"))
    assert not any(pair.renamed for pair in pair_resources(left, right).changed)
