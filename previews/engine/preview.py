"""A preview from end to end: two sides chosen, fleets found, what may differ rendered, cells made.

The steps are functions of their own, so that the server can run them as jobs and the commands in one go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal, Self

from previews.engine.argocd import trusted_settings
from previews.engine.cache import ManifestCache
from previews.engine.cells import Cell
from previews.engine.compare import Outcome, group_cells, make_cell
from previews.engine.config import FILE_NAME, FleetConfig, parse_config
from previews.engine.discover.fleet import Fleet, discover
from previews.engine.errors import BadInput, ConfigError, NotRendered, RenderFailed
from previews.engine.git import Mirror, normalise_address
from previews.engine.manifests import Manifest
from previews.engine.masking import make_mask
from previews.engine.plan import Plan, PlannedCell, Problem, make_plan
from previews.engine.predict.cell import predict_cells
from previews.engine.predict.context import Library, no_definitions
from previews.engine.predict.library import FileLibrary
from previews.engine.predict.outlook import outlook_of
from previews.engine.predict.prediction import count_severe
from previews.engine.remote.outside import External, Outside
from previews.engine.remote.reach import Reach
from previews.engine.remote.revisions import find_commit
from previews.engine.render.charts import ChartStore
from previews.engine.render.pool import RenderPool, RenderSettings, Result
from previews.engine.render.requests import RenderRequest
from previews.engine.resolve import Known, Resolver
from previews.engine.rules import Rules, make_rules
from previews.engine.scope import defined_by
from previews.engine.sides import Sides
from previews.engine.standing import Standing
from previews.engine.trees import ObjectStore, Tree
from previews.engine.users import User, join_fleets, join_plans, settle_across, with_users
from previews.engine.whatif import NOTHING_MORE, WhatIf, at_head

Progress = Callable[[int, int], None]

_KEEP_AT_ONCE = 100


class Workbench:
    """What a preview of one repository works with: its objects, charts, renderers and known manifests."""

    def __init__(
        self,
        mirror: Mirror,
        settings: RenderSettings,
        charts: ChartStore,
        cache: ManifestCache,
        reach: Reach | None = None,
    ) -> None:
        """The mirror must have been fetched. `reach` None lets nothing be fetched from outside."""
        self.mirror = mirror
        self.settings = settings
        self.cache = cache
        self.store = ObjectStore(mirror.folder)
        self.rendered = 0
        self.cached = 0
        self._pool: RenderPool | None = None
        self._known: dict[str, Result] = {}
        self._known_objects = Known()
        self._pins: dict[str, str | NotRendered] = {}
        self._absent: tuple[str, ...] = ()
        self.outside = Outside(mirror, charts, reach or Reach())

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

        Its `argocd`, and which findings are accepted, come from the base unless the override, which is the operator's,
        says it.
        """
        config = self.config_without_argocd(head_tree, override)
        if override and config.argocd:
            return config
        before = self._config_before(base_tree)
        config = replace(config, argocd=trusted_settings(self.tree(base_tree), before))
        return config if override else config.with_word_of(before)

    def config_without_argocd(self, head_tree: str, override: str = "") -> FleetConfig:
        """The same as the head says it: not to be trusted with what `argocd` switches on. Raises ConfigError."""
        return parse_config(override or self._own_config(head_tree))

    def _own_config(self, tree_id: str) -> str:
        return (self.tree(tree_id).read(FILE_NAME) or b"").decode("utf-8", "replace")

    def _config_before(self, base_tree: str) -> FleetConfig | None:
        try:
            text = self._own_config(base_tree)
            return parse_config(text) if text else None
        except ConfigError:
            return None  # the head repairs it; how clusters were before is not known

    def resolver(self, tree_id: str, config: FleetConfig, tracks: Sequence[str], unpinned: bool = False) -> Resolver:
        """A resolver of one side of this repository; see resolve.Standing for `tracks` and `unpinned`."""
        return self.resolver_of([self.standing(tree_id, config, tracks, unpinned)], config)

    def resolver_of(self, standing: Sequence[Standing], config: FleetConfig) -> Resolver:
        """A resolver of one side of the first of these repositories, whose Applications may use the others' files."""
        settings = self.settings
        return Resolver(standing, config, self.outside, self._known_objects, settings.engines(), settings.plugins)

    def standing(self, tree_id: str, config: FleetConfig, tracks: Sequence[str], unpinned: bool = False) -> Standing:
        """The repository as it stands on one side."""
        return Standing(
            tree=self.tree(tree_id),
            addresses=frozenset(normalise_address(item) for item in (*config.addresses, self.mirror.address)),
            tracks=frozenset(("", *tracks, *config.tracks)),
            pinned=self._pinned_tree,
            unpinned=unpinned,
        )

    def _pinned_tree(self, revision: str) -> str:
        if revision not in self._pins:
            try:
                self._pins[revision] = self.mirror.tree(find_commit(self.mirror, revision))
            except BadInput as error:
                self._pins[revision] = NotRendered("revision", str(error))
        found = self._pins[revision]
        if isinstance(found, NotRendered):
            raise NotRendered(found.reason, str(found))
        return found

    def ensure(self, externals: Iterable[External]) -> None:
        """Gets what another machine's preview used from outside; what cannot be had fails the renders that need it."""
        self._absent = self.outside.ensure(externals)

    def _explained(self, result: Result) -> Result:
        if self._absent and isinstance(result, RenderFailed) and not result.is_final:
            return RenderFailed(result.stage, "; ".join((*self._absent, str(result))), is_final=False)
        return result

    def user(
        self, address: str, config_text: str = "", moved: tuple[str, str] | None = None, tracks: Sequence[str] = ()
    ) -> User:
        """Another repository's fleet, whose Applications may use this one's templates.

        It stands at its default branch on both sides; or moves between the commits `moved` (base, head), which the
        revisions `tracks` mean. `config_text` wins over its own astrolabe.yaml.

        Raises NotRendered when it cannot be had, ConfigError.
        """
        base, head = (self.outside.commit(address, revision).tree for revision in moved or ("HEAD", "HEAD"))
        return User(address, base, self.config(head, base, config_text), head if moved else "", tuple(tracks))

    def user_standing(self, user: User, side: Literal["base", "head"]) -> Standing:
        """A user's repository as it stands on one side."""
        config = user.config
        return Standing(
            tree=self.tree(user.head_tree or user.tree if side == "head" else user.tree),
            addresses=frozenset(normalise_address(item) for item in (user.address, *config.addresses)),
            tracks=frozenset(("", *user.tracks, *config.tracks)),
            pinned=lambda revision: self.outside.tree(user.address, revision),
            moves=user.moves,
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
            result = self._explained(result)
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
    """Everything known before the renders: both fleets, the plan, and what it needs from outside the repository."""

    sides: Sides
    config: FleetConfig
    base: Fleet
    head: Fleet
    plan: Plan
    what_if: WhatIf = NOTHING_MORE
    rules: Rules = field(default_factory=Rules)
    externals: tuple[External, ...] = ()
    outside_notes: tuple[str, ...] = ()
    library: Library = no_definitions

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the preview as a whole."""
        asked = [f"what if: {self.what_if.describe()}"] if self.what_if.asks_something else []
        found = (*self.sides.notes, *self.base.notes, *self.head.notes, *self.outside_notes)
        return tuple(dict.fromkeys((*asked, *found)))


def prepare(
    bench: Workbench,
    sides: Sides,
    config: FleetConfig,
    tracks: Sequence[str],
    what_if: WhatIf = NOTHING_MORE,
    users: Sequence[User] = (),
) -> Prepared:
    """Finds both fleets and plans what to render. `tracks` are names of revisions that mean the tree.

    `users` (from Workbench.user) are fleets of other repositories: they stand still on both sides or move themselves,
    while the previewed repository moves under those of their Applications that follow it. All are in one plan; a row
    that several fleets have on one cluster is told apart by its fleet's name.

    Raises BadInput when `what_if` names clusters that are not there.
    """
    asked = _all_at_head([config, *(user.config for user in users)], what_if)
    pairs = _resolvers(bench, sides, [config, *(user.config for user in users)], asked, tracks, what_if, users)
    stays = sides.base_tree == sides.head_tree and not any(user.moves for user in users)
    same = stays and not what_if.asks_something and config.at_base() == asked[0]
    fleets = []
    for before, after in pairs:
        fleet = discover(before, bench.manifests)
        fleets.append((fleet, fleet if same else discover(after, bench.manifests)))
    fleets = settle_across([user.name for user in users], fleets)
    mask = make_mask(bench.settings.mask_key)
    plans = [make_plan(*fleet, *pair, mask) for fleet, pair in zip(fleets, pairs, strict=True)]
    joined = with_users(config, users)
    left_fleet, right_fleet = (join_fleets([fleet[side] for fleet in fleets], users) for side in (0, 1))
    plan = join_plans(plans, users)
    scoped = frozenset().union(*(side.cluster_scoped() for pair in pairs for side in pair))
    rules = make_rules(joined, scoped, bench.find_paths)
    outside = bench.outside
    library = FileLibrary(bench.tree(sides.head_tree))
    return Prepared(sides, joined, left_fleet, right_fleet, plan, what_if, rules, outside.used, outside.notes, library)


def _resolvers(
    bench: Workbench,
    sides: Sides,
    configs: Sequence[FleetConfig],
    asked: Sequence[FleetConfig],
    tracks: Sequence[str],
    what_if: WhatIf,
    users: Sequence[User],
) -> list[tuple[Resolver, Resolver]]:
    """Both sides' resolvers of each fleet. Each sees its own repository first, then all others that move."""
    own = (
        bench.standing(sides.base_tree, configs[0].at_base(), tracks),
        bench.standing(sides.head_tree, asked[0], tracks, what_if.unpinned),
    )
    others = [(bench.user_standing(user, "base"), bench.user_standing(user, "head")) for user in users]
    standings = [own, *others]
    moving = [own, *(pair for pair in others if pair[0].moves)]
    pairs = []
    for pair, before, after in zip(standings, configs, asked, strict=True):
        left, right = ([pair[side], *(one[side] for one in moving if one is not pair)] for side in (0, 1))
        pairs.append((bench.resolver_of(left, before.at_base()), bench.resolver_of(right, after)))
    return pairs


def _all_at_head(configs: Sequence[FleetConfig], asked: WhatIf) -> list[FleetConfig]:
    """Each configuration as asked. The clusters that are named must be in one of them."""
    moved: list[FleetConfig] = []
    errors: list[BadInput] = []
    for config in configs:
        try:
            moved.append(at_head(config, asked))
        except BadInput as error:
            errors.append(error)
            moved.append(config)
    if len(errors) == len(configs):
        raise errors[0]
    return moved


def finish(prepared: Prepared, manifests: Mapping[str, Result], today: date | None = None) -> list[Cell]:
    """The cells that change (or fail, or were skipped), with groups and predictions.

    `manifests` are those of the plan's requests, by key; `today` is the day on which findings are accepted or not.
    """
    made, changed = [], []
    defined = defined_by(result for result in manifests.values() if isinstance(result, Manifest))
    rules = replace(prepared.rules, cluster_scoped=prepared.rules.cluster_scoped | defined)
    for planned in prepared.plan.cells:
        cell, change = make_cell(planned, *outcomes(planned, manifests), rules)
        if cell.is_changed:
            made.append((cell, change))
            changed.append(planned)
    pairs = list(zip(changed, group_cells(made), strict=True))
    day = today or datetime.now(UTC).date()
    outlook = outlook_of(prepared.config)
    return predict_cells(pairs, lambda one: outcomes(one, manifests), rules, outlook, day, prepared.library)


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
        **count_severe(cell.prediction.counts for cell in cells if cell.prediction),
        "rendered": rendered,
        "cached": cached,
    }
