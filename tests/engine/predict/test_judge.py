"""What a change brings, told from what was there before."""

from previews.engine.manifests import read_resources
from previews.engine.predict.context import Context
from previews.engine.predict.findings import Finding
from previews.engine.predict.judge import judge
from previews.engine.predict.objects import make_pair

POD = """kind: Pod
apiVersion: v1
metadata: {name: web, namespace: shop}
spec:
  containers:
"""


def pod(**images):
    return POD + "".join(f"  - {{name: {name}, image: {image}}}\n" for name, image in images.items())


def pair_of(base, head):
    return make_pair(*([*read_resources(text, str)] if text else [] for text in (base, head)))


def latest(side, context):
    """A rule: no image may be the latest."""
    for one in side.changed:
        for at, container in enumerate(one.get("spec", "containers") or ()):
            if container["image"] == "latest":
                steps = ("spec", "containers", at, "image")
                yield Finding("TAG", "warning", "it is the latest", one.id, steps, container["image"])


def judged(base, head, rules=(latest,), changes=()):
    return judge(pair_of(base, head), Context(), rules, changes)


def test_what_the_change_brings():
    found = judged(pod(a="1", b="2"), pod(a="1", b="latest"))
    assert [one.steps for one in found.introduced] == [("spec", "containers", 1, "image")]
    assert (found.repaired, found.preexisting) == ((), ())


def test_what_was_there_before_is_folded_away_wherever_it_stands():
    found = judged(pod(a="latest", b="2"), pod(c="3", a="latest", b="2"))
    assert (found.introduced, found.repaired) == ((), ())
    assert [one.code for one in found.preexisting] == ["TAG"]


def test_the_same_rule_at_another_place_is_new():
    found = judged(pod(a="latest", b="2"), pod(a="latest", b="latest"))
    assert ([one.steps[2] for one in found.introduced], len(found.preexisting)) == ([1], 1)


def test_what_is_repaired():
    found = judged(pod(a="latest"), pod(a="1"))
    assert ([one.code for one in found.repaired], found.introduced) == (["TAG"], ())


def test_what_is_gone_is_not_repaired():
    assert judged(pod(a="latest"), "").repaired == ()


def test_the_worst_comes_first():
    def rules(pair, context):
        yield Finding("A", "info", "a")
        yield Finding("B", "blocked", "b")
        yield Finding("C", "outage", "c")

    assert [one.code for one in judged(pod(a="1"), pod(a="2"), (), (rules,)).introduced] == ["B", "C", "A"]


def test_a_rule_that_fails_hides_no_other():
    def broken(side, context):
        raise KeyError("spec")
        yield

    found = judged(pod(a="1"), pod(a="latest"), (broken, latest))
    assert ([one.code for one in found.introduced], found.failed) == (["TAG"], ("test_judge.broken",))
