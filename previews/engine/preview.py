"""A preview from end to end: two sides chosen, fleets found, what may differ rendered, cells made.

The steps are functions of their own, so that the server can run them as jobs and the commands in one go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from previews.engine.argocd import trusted_settings
from previews.engine.cache import ManifestCache
from previews.engine.cells import Cell
from previews.engine.compare import Outcome, group_cells, make_cell
from previews.engine.config import FILE_NAME, FleetConfig, parse_config
from previews.engine.discover.fleet import Fleet, discover
from previews.engine.errors import ConfigError, RenderFailed
from previews.engine.git import Mirror
from previews.engine.manifests import Manifest
from previews.engine.masking import make_mask
from previews.engine.plan import Plan, PlannedCell, Problem, make_plan
from previews.engine.render.charts import ChartStore
from previews.engine.render.pool import RenderPool, RenderSettings, Result
from previews.engine.render.requests import RenderRequest
from previews.engine.resolve import Known, Resolver
from previews.engine.rules import Rules, make_rules
from previews.engine.scope import defined_by
from previews.engine.trees import ObjectStore, Tree
from previews.engine.whatif import WhatIf, at_head

Progress = Callable[[int, int], None]

_KEEP_AT_ONCE = 100
_NOTHING_MORE = WhatIf()


@dataclass(frozen=True)
class Sides:
    """The two trees of a preview. `heads` are the commits asked for; `merged` tells whether the head is a merge."""

    base_commit: str
    base_tree: str
    heads: tuple[str, ...]
    head_tree: str
    merged: bool
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def choose_sides(mirror: Mirror, base: str, heads: Sequence[str], exact: bool = False) -> Sides:
    """The base's tree, and the tree that merging the heads into it one after the other gives.

    With `exact` the (one) head's own tree. On a conflict a single head falls back to itself against the merge base,
    and `conflicts` names the paths. Raises BadInput for an unknown revision.
    """
    base_commit = mirror.commit(base)
    commits = tuple(mirror.commit(head) for head in heads)
    base_tree = mirror.tree(base_commit)
    if exact:
        return Sides(base_commit, base_tree, commits, mirror.tree(commits[-1]), merged=False)
    current, tree = base_commit, base_tree
    for commit in commits:
        merge = mirror.merge(current, commit)
        if merge.conflicts:
            return _conflicting(mirror, base_commit, commits, merge.conflicts)
        tree = merge.tree
        if len(commits) > 1:
            current = mirror.write_commit(tree, current, commit)
    return Sides(base_commit, base_tree, commits, tree, merged=True)


def _conflicting(mirror: Mirror, base: str, commits: tuple[str, ...], conflicts: tuple[str, ...]) -> Sides:
    fork = mirror.merge_base(base, commits[-1]) or base
    note = "the merge has conflicts, so the head is compared with the commit where it left the target branch"
    if len(commits) > 1:
        note = "the change requests conflict, so only the last one is compared, with the commit where it branched off"
    return Sides(fork, mirror.tree(fork), commits, mirror.tree(commits[-1]), False, conflicts, (note,))


class Workbench:
    """What a preview of one repository works with: its objects, charts, renderers and known manifests."""

    def __init__(self, mirror: Mirror, settings: RenderSettings, charts: ChartStore, cache: ManifestCache) -> None:
        """The mirror must have been fetched."""
        self.mirror = mirror
        self.settings = settings
        self.charts = charts
        self.cache = cache
        self.store = ObjectStore(mirror.folder)
        self.rendered = 0
        self.cached = 0
        self._pool: RenderPool | None = None
        self._known: dict[str, Result] = {}
        self._known_objects = Known()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.close()
        self.store.close()

    def tree(self, tree_id: str) -> Tree:
        """A tree of the repository, read ahead."""
        self.store.preload(tree_id)
        return Tree(self.store, tree_id)

    def config(self, head_tree: str, base_tree: str, override: str = "") -> FleetConfig:
        """The configuration for both sides: `override`, else the head's file, else an empty one. Raises ConfigError.

        Its `argocd` comes from the base unless the override, which is the operator's, has one.
        """
        config = parse_config(override or self._own_config(head_tree))
        if override and config.argocd:
            return config
        config = replace(config, argocd=trusted_settings(self.tree(base_tree)))
        return config if override else replace(config, before=self._config_before(base_tree))

    def _own_config(self, tree_id: str) -> str:
        return (self.tree(tree_id).read(FILE_NAME) or b"").decode("utf-8", "replace")

    def _config_before(self, base_tree: str) -> FleetConfig | None:
        try:
            text = self._own_config(base_tree)
            return parse_config(text) if text else None
        except ConfigError:
            return None  # the head repairs it; how clusters were before is not known

    def resolver(self, tree_id: str, config: FleetConfig, tracks: Sequence[str], unpinned: bool = False) -> Resolver:
        """A resolver of one side; see Resolver for `tracks` and `unpinned`."""
        return Resolver(
            self.tree(tree_id),
            config,
            self.mirror,
            self.charts,
            tuple(tracks),
            unpinned,
            self._known_objects,
            self.settings.engines(),
        )

    def manifests(self, requests: Sequence[RenderRequest], progress: Progress | None = None) -> Mapping[str, Result]:
        """A result for each request's key: from memory, from the cache, or rendered and put there."""
        wanted = {request.key: request for request in requests}
        unknown = [key for key in wanted if key not in self._known]
        self._known.update(self.cache.get_many(unknown))
        rest = [wanted[key] for key in unknown if key not in self._known]
        self.cached += len(wanted) - len(rest)
        if rest:
            self._open_pool()
        done, fresh = len(wanted) - len(rest), dict[str, Result]()
        for request, result in self._pool.render(rest) if self._pool and rest else ():
            self._known[request.key] = result
            self.rendered += 1
            done += 1
            if not isinstance(result, RenderFailed) or result.is_final:
                fresh[request.key] = result
            if len(fresh) >= _KEEP_AT_ONCE:
                self.cache.put_many(fresh)
                fresh = {}
            if progress:
                progress(done, len(wanted))
        self.cache.put_many(fresh)
        return {key: self._known[key] for key in wanted}

    def find_paths(self, expression: str, value: Any) -> list[Any]:
        """jq, in a renderer's box; see RenderPool.find_paths."""
        return self._open_pool().find_paths(expression, value)

    def _open_pool(self) -> RenderPool:
        if self._pool is None:
            self._pool = RenderPool(self.store, self.settings)
        return self._pool


@dataclass
class Clock:
    """Seconds spent in each step, by name."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        """Books the time since the last lap on a step."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._since
        self._since = now


@dataclass(frozen=True)
class Prepared:
    """Everything known before the renders: both fleets, and the plan."""

    sides: Sides
    config: FleetConfig
    base: Fleet
    head: Fleet
    plan: Plan
    what_if: WhatIf = _NOTHING_MORE
    rules: Rules = field(default_factory=Rules)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the preview as a whole."""
        asked = [f"what if: {self.what_if.describe()}"] if self.what_if.asks_something else []
        return tuple(dict.fromkeys((*asked, *self.sides.notes, *self.base.notes, *self.head.notes)))


def prepare(
    bench: Workbench, sides: Sides, config: FleetConfig, tracks: Sequence[str], what_if: WhatIf = _NOTHING_MORE
) -> Prepared:
    """Finds both fleets and plans what to render. `tracks` are names of revisions that mean the tree.

    Raises BadInput when `what_if` names clusters that are not there.
    """
    configs = config.at_base(), at_head(config, what_if)
    base = bench.resolver(sides.base_tree, configs[0], tracks)
    head = bench.resolver(sides.head_tree, configs[1], tracks, what_if.unpinned)
    base_fleet = discover(base, bench.manifests)
    same = sides.base_tree == sides.head_tree and not what_if.asks_something and configs[0] == configs[1]
    head_fleet = base_fleet if same else discover(head, bench.manifests)
    plan = make_plan(base_fleet, head_fleet, base, head, make_mask(bench.settings.mask_key))
    rules = make_rules(config, base.cluster_scoped() | head.cluster_scoped(), bench.find_paths)
    return Prepared(sides, config, base_fleet, head_fleet, plan, what_if, rules)


def finish(prepared: Prepared, manifests: Mapping[str, Result]) -> list[Cell]:
    """The cells that change (or fail, or were skipped), with groups, from the manifests of the plan's requests."""
    made = []
    defined = defined_by(result for result in manifests.values() if isinstance(result, Manifest))
    rules = replace(prepared.rules, cluster_scoped=prepared.rules.cluster_scoped | defined)
    for planned in prepared.plan.cells:
        cell, change = make_cell(planned, *outcomes(planned, manifests), rules)
        if cell.is_changed:
            made.append((cell, change))
    return group_cells(made)


def outcomes(planned: PlannedCell, manifests: Mapping[str, Result]) -> tuple[Outcome, Outcome]:
    """What the two sides of a planned cell came to. Sides with equal keys were not rendered and do not differ."""

    def side(exists: bool, key: str, problem: Problem | None) -> Outcome:
        if not exists or problem is not None:
            return problem
        if not planned.needs_rendering:
            return Manifest()
        return manifests.get(key) or RenderFailed("render", "the renderer gave no answer", is_final=False)

    return (
        side(planned.on_base, planned.base_key, planned.base_problem),
        side(planned.on_head, planned.head_key, planned.head_problem),
    )


def totals(instances: int, cells: Sequence[Cell], rendered: int, cached: int) -> dict[str, int]:
    """The counts that the page and the commands show; `instances` is how many there are on either side."""
    return {
        "instances": instances,
        "unchanged": instances - len(cells),
        "value_only": sum(1 for cell in cells if cell.yaml == "unchanged"),
        "deploys": sum(1 for cell in cells if cell.deploys),
        "added": sum(1 for cell in cells if cell.yaml == "added"),
        "removed": sum(1 for cell in cells if cell.yaml == "removed"),
        "failed": sum(1 for cell in cells if cell.yaml == "failed"),
        "skipped": sum(1 for cell in cells if cell.yaml == "skipped"),
        "rendered": rendered,
        "cached": cached,
    }
