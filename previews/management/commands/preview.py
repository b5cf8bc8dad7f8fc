"""`preview REPO`: previews a head against a base and prints what changes."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from previews.commandline import CONDITION, CONFLICT, RepositoryCommand, Session, open_repository, placed
from previews.engine.cells import Cell
from previews.engine.errors import BadInput
from previews.engine.predict.findings import SEVERE
from previews.engine.preview import Clock, Prepared, finish, prepare, totals
from previews.engine.report import PreviewReport, to_json, to_markdown, to_text
from previews.engine.sides import choose_sides
from previews.engine.whatif import make_what_if

_CONDITIONS = ("failed", *SEVERE)


class Command(RepositoryCommand):
    """Prints the cells that a merge would change; see docs/commands.md for the JSON."""

    help = "Previews a head against a base and prints what changes on every cluster."

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of a preview."""
        super().add_arguments(parser)
        parser.add_argument("--base", help="branch, tag or commit to compare with (default: the default branch)")
        heads = parser.add_mutually_exclusive_group(required=True)
        heads.add_argument("--head", help="branch, tag or commit to preview")
        heads.add_argument("--merge", action="append", help="the same, repeatable: merged in order on the base")
        parser.add_argument(
            "--fleet",
            action="append",
            default=[],
            metavar="ADDRESS=PATH_OR_URL",
            help="show the effect on the Applications of this repository too (repeatable)",
        )
        parser.add_argument("--exact", action="store_true", help="compare the head itself, without merging")
        parser.add_argument("--show-ignored", action="store_true", help="show what ignoreDifferences hides")
        parser.add_argument("--all", action="store_true", help="list unchanged cells too")
        parser.add_argument("--what-if-unpinned", action="store_true", help="move pins of this repository to the head")
        parser.add_argument(
            "--what-if-kubernetes", metavar="VERSION", default="", help="render the head for this version"
        )
        parser.add_argument("--what-if-helm", metavar="VERSION", default="", help="render the head with this Helm")
        parser.add_argument(
            "--what-if-cluster", metavar="PATTERN", action="append", help="only these clusters or groups, repeatable"
        )
        parser.add_argument("--fail-on", default="", help=f"conditions with exit code 1: {','.join(_CONDITIONS)}")
        parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")

    def handle(self, **options: Any) -> None:
        """Runs the preview and exits with 0, 1 (a --fail-on condition) or 3 (conflicts in the merge)."""
        conditions = _conditions(options["fail_on"])
        if options["exact"] and len(options["merge"] or ()) > 1:
            raise BadInput("--exact compares one head as it is; it cannot go with several --merge")
        clock = Clock()
        with open_repository(options) as session:
            clock.lap("fetch")
            report = _preview(session, options, clock)
        writers = {"json": _json_text, "markdown": to_markdown, "text": to_text}
        self.stdout.write(writers[options["format"]](report), ending="")
        if report.head["conflicts"]:
            sys.exit(CONFLICT)
        if any(report.totals[condition] for condition in conditions):
            sys.exit(CONDITION)


def _json_text(report: PreviewReport) -> str:
    return json.dumps(to_json(report), indent=1, ensure_ascii=False) + "\n"


def _conditions(text: str) -> set[str]:
    asked = {part.strip() for part in text.split(",") if part.strip()}
    unknown = sorted(asked - set(_CONDITIONS))
    if unknown:
        raise BadInput(f"--fail-on {', '.join(unknown)}: known are {', '.join(_CONDITIONS)}")
    return asked


def _preview(session: Session, options: dict[str, Any], clock: Clock) -> PreviewReport:
    base = options["base"] or session.default_branch
    heads = options["merge"] or [options["head"]]
    what_if = make_what_if(
        options["what_if_unpinned"],
        options["what_if_kubernetes"],
        options["what_if_helm"],
        tuple(options["what_if_cluster"] or ()),
    )
    sides = choose_sides(session.mirror, base, heads, options["exact"])
    config = session.config(sides.head_tree, sides.base_tree)
    tracks = [session.default_branch, base]
    users = [session.bench.user(placed(item)[0]) for item in options["fleet"]]
    prepared = prepare(session.bench, sides, config, tracks, what_if, users)
    clock.lap("discover")
    manifests = session.bench.manifests(list(prepared.plan.requests.values()), _progress)
    clock.lap("render")
    if options["show_ignored"]:
        prepared = replace(prepared, rules=replace(prepared.rules, show_ignored=True))
    cells = finish(prepared, manifests)
    clock.lap("compare")
    seconds = {**clock.seconds, "total": sum(clock.seconds.values())}
    counts = totals(prepared.plan.instances, cells, session.bench.rendered, session.bench.cached)
    listed = _with_unchanged(prepared, cells) if options["all"] else cells
    return PreviewReport(
        base={"revision": base, "commit": sides.base_commit, "tree": sides.base_tree},
        head={
            "revisions": heads,
            "commits": list(sides.heads),
            "tree": sides.head_tree,
            "merged": sides.merged,
            "conflicts": list(sides.conflicts),
            "what_if": what_if.describe(),
        },
        totals=counts,
        seconds=seconds,
        cells=listed,
        notes=prepared.notes,
    )


def _with_unchanged(prepared: Prepared, cells: list[Cell]) -> list[Cell]:
    changed = {(cell.cluster, cell.application): cell for cell in cells}
    places = [(item.cluster, item.application, item.definition.name, item.path) for item in prepared.plan.unchanged]
    places += [(item.cluster, item.application, item.name, item.path) for item in prepared.plan.cells]
    for cluster, application, name, path in places:
        changed.setdefault((cluster, application), _unchanged(cluster, application, name, path))
    return [changed[place] for place in sorted(changed)]


def _unchanged(cluster: str, application: str, name: str, path: str) -> Cell:
    return Cell(cluster, application, name, path, "unchanged", "unchanged", (), deploys=False, pinned=False)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rrendered {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
