"""Which lines of an object's text are noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from previews.engine.diff.noise import is_noise, noisy_lines

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app.kubernetes.io/name: web
    helm.sh/chart: web-1.2.0
    "app.kubernetes.io/version": "4.2.0"
    heritage: Helm # of old
spec:
  selector:
    matchLabels:
      chart: web
  template:
    metadata:
      annotations:
        checksum/config: 0123abc
        example.com/checksum-of-secret: ff
        rollme: >-
          never
        note: "of
          chart: web"
    spec:
      containers:
        - name: web
          args:
            - |
              labels:
                chart: no
            - labels: x
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  annotations: {checksum/config: abc}
data:
  values.yaml: |
    metadata:
      labels:
        helm.sh/chart: web-1.2.0
  chart: web
  labels: |-
    chart: web
"""


def test_noise_is_found_where_it_is_a_label_or_annotation_on_a_line_of_its_own():
    lines = DEPLOYMENT.split("\n")
    found = noisy_lines(DEPLOYMENT)
    assert {lines[number].strip(): key for number, key in found.items()} == {
        "helm.sh/chart: web-1.2.0": "helm.sh/chart",
        '"app.kubernetes.io/version": "4.2.0"': "app.kubernetes.io/version",
        "heritage: Helm # of old": "heritage",
        "checksum/config: 0123abc": "checksum/config",
        "example.com/checksum-of-secret: ff": "example.com/checksum-of-secret",
    }


def test_text_inside_a_value_is_no_noise():
    assert noisy_lines(CONFIG) == {}


def test_a_value_that_goes_on_below_is_no_noise():
    assert noisy_lines('labels:\n  chart: "a\n    b"\n') == {}
    assert noisy_lines("labels:\n  chart: a\n    b\n") == {}
    assert noisy_lines("labels:\n  chart: a\n\n    b\n") == {}
    assert noisy_lines("labels:\n  chart: a\n  # b\n  heritage: c\n") == {1: "chart", 3: "heritage"}


@pytest.mark.parametrize("key", ["name", "app", "charter", "version", "mychecksum", "team", "app.kubernetes.io/name"])
def test_a_label_that_tells_something_is_no_noise(key):
    assert not is_noise("labels", key)


@given(st.text(st.sampled_from("labels: chart\n-|>\"'#{}[]&*\t\\x"), max_size=200))
def test_any_text_is_read_without_complaint(text):
    lines = text.split("\n")
    for number, key in noisy_lines(text).items():
        assert key in lines[number]
        assert is_noise("labels", key)
