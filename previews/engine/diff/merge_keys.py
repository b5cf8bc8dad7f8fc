"""What tells the items of a Kubernetes list apart: the keys by which the API server merges lists.

Mirrors the `patchMergeKey` tags and `+listMapKey` markers of k8s.io/api (core/v1/types.go and others).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: What an item is called in its list: its merge keys with their values, texts or numbers.
ItemKey = tuple[tuple[str, Any], ...]

_BY_NAME = ("name",)
#: Merge keys by the list's field name. Several where types that share the name differ: the first that fits counts.
_MERGE_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "hostAliases": (("ip",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "conditions": (("type",),),
    "ownerReferences": (("uid",),),
    "podIPs": (("ip",),),
}
#: The API server's own, for merge keys that may be left out.
_DEFAULTS = {"protocol": "TCP"}
#: Custom resources have no keys that we know: what is called by a unique name is told apart by it.
_USUAL = (_BY_NAME, ("key",), ("id",))


def item_keys(field: str, base: Sequence[Any], head: Sequence[Any]) -> tuple[list[ItemKey], list[ItemKey]] | None:
    """The key of each item of two versions of a list; None when no merge key names each item on its side alone.

    `field` is the list's name in its object.
    """
    for names in (*_MERGE_KEYS.get(field, ()), *_USUAL):
        found = _keys(names, base), _keys(names, head)
        if found[0] is not None and found[1] is not None:
            return found[0], found[1]
    return None


def _keys(names: Sequence[str], items: Sequence[Any]) -> list[ItemKey] | None:
    keys: list[ItemKey] = []
    for item in items:
        if not isinstance(item, dict) or names[0] not in item:
            return None
        key = tuple((name, item.get(name, _DEFAULTS.get(name))) for name in names)
        if not all(isinstance(value, str | int) for _, value in key):
            return None
        keys.append(key)
    # Not a set of the values themselves, for which True is 1.
    return keys if len({repr(key) for key in keys}) == len(keys) else None
