"""jq expressions of strangers, evaluated in the renderer's box: which fields they choose.

Argo CD runs `del(EXPRESSION)` (diff_normalizer.go); the paths that this would delete are those of `path(EXPRESSION)`.
"""

from __future__ import annotations

from typing import Any

MAX_MESSAGE = 300


def paths_of(expression: str, value: Any) -> dict[str, Any]:
    """The answer to a question of the pool: `paths` (lists of keys and indices), or a `problem` in jq's words."""
    import jq

    try:
        # Alone first: what closes our bracket and goes on would choose anything but paths.
        jq.compile(expression)
        return {"paths": jq.compile(f"[path({expression})]").input_value(value).first()}
    except (ValueError, RuntimeError, StopIteration) as error:
        return {"problem": str(error)[:MAX_MESSAGE] or type(error).__name__}
