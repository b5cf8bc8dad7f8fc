"""Texts and manifests are kept once, and come back as they were."""

import pytest

from previews.engine.errors import RenderFailed
from previews.engine.manifests import Manifest as Rendered
from previews.engine.manifests import MissingDependency
from previews.models import Blob, DatabaseCache, Manifest
from tests.factories import keep_manifest, manifest_text

pytestmark = pytest.mark.django_db


def test_a_text_is_kept_once():
    first, second = Blob.objects.keep("kind: Pod\n"), Blob.objects.keep("kind: Pod\n")

    assert first == second
    assert Blob.objects.count() == 1
    assert Blob.objects.get().text == "kind: Pod\n"
    assert Blob.objects.get().size == 10


def test_a_text_that_another_process_keeps_in_between_is_no_error(monkeypatch):
    monkeypatch.setattr(type(Blob.objects), "filter", lambda self, **_: self.none())
    Blob.objects.keep("same")
    blob = Blob.objects.keep("same")

    assert Blob.objects.count() == 1
    assert blob.text == "same"


def test_many_texts_cost_few_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        kept = Blob.objects.keep_all(str(number) for number in range(1200))

    assert len(kept) == 1200
    assert kept["7"].text == "7"


def test_a_text_that_no_database_holds_is_kept_readable():
    blob = Blob.objects.keep("a\0b\ud800c")

    assert Blob.objects.get(pk=blob.pk).text == "a\ufffdb?c"


def test_a_manifest_comes_back_as_it_was_rendered():
    key, rendered = keep_manifest(
        manifest_text("ingress") + "---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n"
    )

    assert DatabaseCache().get_many([key]) == {key: rendered}


def test_what_is_missing_and_what_was_warned_about_comes_back_too():
    result = Rendered(
        warnings=("rendered more than once",), missing=(MissingDependency("common", "2.x", "oci://x", "h"),)
    )
    DatabaseCache().put_many({"key": result})

    assert DatabaseCache().get_many(["key"])["key"] == result


def test_a_failure_is_kept_in_the_words_of_the_renderer():
    DatabaseCache().put_many({"key": RenderFailed("render", "nil pointer evaluating interface {}.name")})
    found = DatabaseCache().get_many(["key", "unknown"])

    assert list(found) == ["key"]
    assert isinstance(found["key"], RenderFailed)
    assert str(found["key"]) == "nil pointer evaluating interface {}.name"


def test_equal_manifests_of_two_keys_share_their_text():
    _, rendered = keep_manifest(manifest_text("ingress"))
    DatabaseCache().put_many({"another": rendered})

    assert Manifest.objects.count() == 2
    assert Blob.objects.count() == 1
