"""What people accept, in astrolabe.yaml."""

from datetime import date

import pytest

from previews.engine.config import parse_config
from previews.engine.errors import ConfigError
from previews.engine.manifests import ResourceId
from previews.engine.predict.acceptance import Acceptance
from previews.engine.predict.findings import Finding
from previews.engine.predict.outlook import Outlook, from_json, outlook_of, to_json
from previews.engine.predict.prediction import Prediction, with_acceptances

TODAY = date(2026, 11, 24)
WEB = ResourceId("apps", "Deployment", "shop", "web")
BLOCKED, WARNED = Finding("META-LABEL", "blocked", "x", WEB), Finding("RB-TAG", "warning", "y", WEB)


BOTH = Prediction((BLOCKED, WARNED))


def accepted(*acceptances, prediction=BOTH):
    found = with_acceptances(prediction, "seoul-1", "web", acceptances, TODAY)
    return [one.code for one in found.introduced], [(one.code, reason) for one, reason in found.accepted]


@pytest.mark.parametrize(
    "one",
    [
        Acceptance("META-LABEL", "known"),
        Acceptance("META-*", "known", kind="Deploy*", namespace="shop", name="web"),
        Acceptance("META-LABEL", "known", cluster="seoul-*", application="web"),
        Acceptance("META-LABEL", "known", until=TODAY),
    ],
)
def test_what_fits_is_accepted(one):
    assert accepted(one) == (["RB-TAG"], [("META-LABEL", "known")])


@pytest.mark.parametrize(
    "one",
    [
        Acceptance("META-NAME", "known"),
        Acceptance("META-LABEL", "known", name="api"),
        Acceptance("META-LABEL", "known", cluster="tokyo-*"),
        Acceptance("META-LABEL", "known", application="api"),
        Acceptance("META-LABEL", "known", until=date(2026, 11, 23)),
    ],
)
def test_what_does_not_fit_is_not(one):
    assert accepted(one) == (["META-LABEL", "RB-TAG"], [])


def test_what_is_accepted_no_longer_counts_again():
    before = with_acceptances(Prediction((BLOCKED, WARNED)), "c", "a", [Acceptance("*", "all")], TODAY)
    assert before.introduced == ()
    assert accepted(prediction=before) == (["META-LABEL", "RB-TAG"], [])


CONFIG = """version: 1
clusters: [{name: c1, nodes: 3, nodePorts: 30000-31000}]
prediction: {capacityFloor: 90, startupSeconds: {shop/web: 12.5}}
accept:
  - {rule: META-LABEL, kind: Deployment, cluster: "c*", reason: known, until: "2027-01-31"}
"""


def test_the_configuration_says_it():
    outlook = outlook_of(parse_config(CONFIG))
    accepted = (Acceptance("META-LABEL", "known", kind="Deployment", cluster="c*", until=date(2027, 1, 31)),)
    assert outlook == Outlook(accepted, {"c1": 3}, {"c1": (30000, 31000)}, 0.9, {"shop/web": 12.5})
    assert from_json(to_json(outlook)) == outlook
    assert outlook.ports_of("c2") == (30000, 32767)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accept: [{rule: X}]", "'reason' is missing"),
        ('accept: [{rule: X, reason: known, until: "soon"}]', 'must be a day such as "2027-01-31"'),
        ("clusters: [{name: c1, nodePorts: 40000-30000}]", "must be a range of ports"),
        ("prediction: {capacityFloor: 120}", "a percentage from 0 to 100"),
        ("prediction: {startupSeconds: {a/b: soon}}", "must be a number of seconds"),
    ],
)
def test_what_is_wrong_there_is_said(text, said):
    with pytest.raises(ConfigError, match=said):
        parse_config(f"version: 1\n{text}\n")


def test_no_change_accepts_its_own_findings():
    head, base = parse_config(CONFIG), parse_config("version: 1\nprediction: {capacityFloor: 50}\n")
    assert (head.with_word_of(base).accept, head.with_word_of(base).capacity_floor) == ((), 0.5)
    assert (head.with_word_of(None).accept, head.with_word_of(None).capacity_floor) == ((), 0.75)
