"""Argo CD's own settings: whose word counts."""

from __future__ import annotations

from tests.engine.fleets import fleet

CM = """apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
data:
  kustomize.buildOptions: {options}
"""


def trees(git, bench, base, head):
    git.commit(base)
    git.commit(head, ref="refs/pull/1/head", start="refs/heads/main")
    opened = bench()
    return opened, [opened.mirror.tree(opened.mirror.commit(name)) for name in ("refs/pull/1/head", "main")]


def test_a_pull_request_cannot_switch_an_option_on_for_itself(git, bench):
    head = {"argocd/cm.yaml": CM.format(options="--enable-helm"), "astrolabe.yaml": "version: 1\nargocd: {a: b}\n"}
    opened, (after, before) = trees(git, bench, fleet(), head)
    assert opened.config(after, before).argocd == {}
    assert opened.config(after, after).argocd == {"kustomize.buildOptions": "--enable-helm", "a": "b"}


def test_the_operators_configuration_wins(git, bench):
    opened, (after, before) = trees(git, bench, {**fleet(), "cm.yaml": CM.format(options="--base")}, {"x": "y"})
    assert opened.config(after, before).argocd == {"kustomize.buildOptions": "--base"}
    operators = "version: 1\nargocd: {kustomize.buildOptions: --operators}\n"
    assert opened.config(after, before, operators).argocd == {"kustomize.buildOptions": "--operators"}
    assert opened.config(after, before, "version: 1\n").argocd == {"kustomize.buildOptions": "--base"}
