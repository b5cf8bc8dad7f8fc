"""Texts that are kept once: blobs by their hash, and rendered manifests by their render key."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import zstandard
from django.db import models

from previews.engine.errors import RenderFailed, Stage
from previews.engine.manifests import Manifest as Rendered
from previews.engine.manifests import MissingDependency, Resource, ResourceId, to_text
from previews.engine.render.pool import Result
from previews.engine.scope import GroupKind
from previews.models.text import clean

#: Rows in a statement: far below SQLite's 32,766 variables.
_BATCH = 500


class BlobManager(models.Manager["Blob"]):
    """Keeps texts."""

    def keep(self, text: str) -> Blob:
        """The blob of a text, made if it is not known yet. Any number of processes may keep the same text at once."""
        return self.keep_all([text])[text]

    def keep_all(self, texts: Iterable[str]) -> dict[str, Blob]:
        """The blob of each text, by text, in few statements. What UTF-8 cannot hold becomes a replacement character."""
        blobs = {text: Blob.of(text) for text in dict.fromkeys(texts)}
        by_hash = {blob.sha256: blob for blob in blobs.values()}
        known = {
            key for keys in _batches(list(by_hash)) for key in self.filter(pk__in=keys).values_list("pk", flat=True)
        }
        new = [blob for key, blob in by_hash.items() if key not in known]
        # What another process kept since the query is the same text: nothing to do about it.
        self.bulk_create(new, batch_size=_BATCH, ignore_conflicts=True)
        return {text: by_hash[blob.sha256] for text, blob in blobs.items()}


class Blob(models.Model):
    """An immutable text under the SHA-256 of its UTF-8. `data` is zstd, `size` the bytes before compression."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    data = models.BinaryField()
    size = models.PositiveBigIntegerField()

    objects = BlobManager()

    def __str__(self) -> str:
        """For people."""
        return self.sha256[:12]

    @classmethod
    def of(cls, text: str) -> Blob:
        """The blob of a text, not saved."""
        content = clean(text).encode()
        return cls(sha256=hashlib.sha256(content).hexdigest(), data=zstandard.compress(content, 3), size=len(content))

    @property
    def text(self) -> str:
        """The text, decompressed anew at each call."""
        return zstandard.decompress(bytes(self.data)).decode()


class Manifest(models.Model):
    """What a render key gives, for ever: a blob of YAML documents, or an error.

    `index` has [group, version, kind, namespace, name, hash, characters] for each resource in order; `error` is
    {"stage", "message"} when rendering failed and would fail again.
    """

    key = models.CharField(max_length=64, primary_key=True)
    blob = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    index = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    error = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        """For people."""
        return self.key[:12]

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The resources in order, cut out of the blob's text."""
        return tuple(_read_resources(self.blob.text if self.blob else "", self.index))

    def to_engine(self) -> Result:
        """The engine's form of it."""
        if self.error:
            return RenderFailed(cast(Stage, self.error["stage"]), self.error["message"])
        missing = tuple(MissingDependency(**item) for item in self.missing)
        return Rendered(self.resources, tuple(self.warnings), missing)

    @classmethod
    def of(cls, key: str, result: Result, blob: Blob | None) -> Manifest:
        """The row of a result, not saved; `blob` is that of its text, None for a failure."""
        if isinstance(result, RenderFailed):
            return cls(key=key, error={"stage": result.stage, "message": clean(str(result))})
        return cls(
            key=key,
            blob=blob,
            index=[_index_entry(resource) for resource in result.resources],
            warnings=[clean(text) for text in result.warnings],
            missing=[{name: clean(text) for name, text in asdict(item).items()} for item in result.missing],
        )


class DatabaseCache:
    """The engine's manifest cache in the database, so that all workers share it."""

    def get_many(self, keys: Iterable[str]) -> dict[str, Result]:
        """The results known for these keys."""
        rows = (
            row
            for batch in _batches(list(dict.fromkeys(keys)))
            for row in Manifest.objects.filter(pk__in=batch).select_related("blob")
        )
        return {row.key: row.to_engine() for row in rows}

    def put_many(self, results: Mapping[str, Result]) -> None:
        """Keeps results by key; another process may have kept the same before."""
        texts = {key: to_text(result) for key, result in results.items() if isinstance(result, Rendered)}
        blobs = Blob.objects.keep_all(texts.values())
        rows = [Manifest.of(key, result, blobs.get(texts.get(key, ""))) for key, result in results.items()]
        Manifest.objects.bulk_create(rows, batch_size=_BATCH, ignore_conflicts=True)


def definitions_in(keys: Iterable[str]) -> Iterator[Rendered]:
    """The known manifests that define kinds. Which ones do stands in their index, so that few texts are read."""
    for batch in _batches(list(dict.fromkeys(keys))):
        rows = Manifest.objects.filter(pk__in=batch).values_list("pk", "index")
        found = [key for key, index in rows if any(entry[2] == "CustomResourceDefinition" for entry in index)]
        results = DatabaseCache().get_many(found).values()
        yield from (result for result in results if isinstance(result, Rendered))


def keys_holding(keys: Iterable[str], kinds: Collection[GroupKind]) -> set[str]:
    """Those of the keys whose manifests hold an object of one of these kinds."""
    rows = (
        row
        for batch in _batches(list(dict.fromkeys(keys)))
        for row in Manifest.objects.filter(pk__in=batch).values_list("pk", "index")
    )
    return {key for key, index in rows if any((entry[0], entry[2]) in kinds for entry in index)}


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[at : at + _BATCH] for at in range(0, len(keys), _BATCH))


def _index_entry(resource: Resource) -> list[Any]:
    one = resource.id
    return [
        *map(clean, (one.group, resource.version, one.kind, one.namespace, one.name)),
        resource.hash,
        len(resource.text),
    ]


def _read_resources(text: str, index: Sequence[Sequence[Any]]) -> Iterator[Resource]:
    """Mirrors `to_text`: each resource stands between a line `---` and a line end."""
    at = 0
    for group, version, kind, namespace, name, hashed, length in index:
        at += len("---\n")
        yield Resource(ResourceId(group, kind, namespace, name), version, text[at : at + length], hashed)
        at += length + len("\n")
