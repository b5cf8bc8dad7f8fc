"""What other applications of a cluster have."""

from previews.engine.manifests import Manifest, ResourceId, read_resources
from previews.engine.predict.around import Around

ONE, TWO = (ResourceId("", "ConfigMap", "shop", name) for name in ("one", "two"))
CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  names:
    plural: widgets
    kind: Widget
  scope: Namespaced
"""


def test_what_others_have_is_theirs_and_not_ones_own():
    around = Around()
    around.add("c1", "web", [ONE])
    around.add("c1", "api", [ONE, TWO])
    mine = around.of("c1", "web").elsewhere
    assert dict(mine) == {ONE: "api", TWO: "api"}
    assert dict(around.of("c1", "api").elsewhere) == {ONE: "web"}
    assert dict(around.of("c2", "web").elsewhere) == {}


def test_kinds_that_are_defined_on_the_cluster():
    around = Around()
    around.define("c1", Manifest(tuple(read_resources(CRD, str))))
    assert around.of("c1", "web").definitions["example.com", "Widget"].id.name == "widgets.example.com"
    assert not around.of("c2", "web").definitions
