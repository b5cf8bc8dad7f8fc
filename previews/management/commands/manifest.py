"""`manifest REPO --cluster C --application A`: prints the rendered YAML, or the values, of one instance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from previews.commandline import RepositoryCommand, open_repository
from previews.engine.applications import Instance
from previews.engine.discover.fleet import Fleet, discover
from previews.engine.errors import BadInput, RenderFailed
from previews.engine.exclusions import without_excluded
from previews.engine.manifests import to_readable_text
from previews.engine.masking import make_mask, mask_values
from previews.engine.resolve import Resolution
from previews.engine.rules import Rules, make_rules
from previews.engine.scope import defined_by, placed
from previews.engine.tracking import Tracker
from previews.engine.yamls import dump


class Command(RepositoryCommand):
    """Prints one instance at one revision."""

    help = "Prints the rendered YAML of one application on one cluster."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which instance, and at which revision."""
        super().add_arguments(parser)
        parser.add_argument("--cluster", required=True)
        parser.add_argument("--application", required=True)
        parser.add_argument("--revision", help="branch, tag or commit (default: the default branch)")
        parser.add_argument("--values", action="store_true", help="print the merged values instead")

    def handle(self, **options: Any) -> None:
        """Renders the instance. A failed render ends with code 2 and the renderer's words."""
        with open_repository(options) as session:
            revision = options["revision"] or session.default_branch
            tree = session.mirror.tree(session.mirror.commit(revision))
            config = session.config(tree, tree)
            resolver = session.bench.resolver(tree, config, [session.default_branch, revision])
            instance = find_instance(discover(resolver, session.bench.manifests), options)
            resolution = resolver.resolve(instance)
            if options["values"]:
                mask = make_mask(session.bench.settings.mask_key)
                self.stdout.write(dump(mask_values(resolution.shown, config.secret_values, mask)), ending="")
                return
            rules = make_rules(config, resolver.cluster_scoped())
            self.stdout.write(self._render(session.bench, resolution, instance, rules), ending="")

    def _render(self, bench: Any, resolution: Resolution, instance: Instance, rules: Rules) -> str:
        result = bench.manifests([resolution.request])[resolution.request.key]
        if isinstance(result, RenderFailed):
            raise result
        target = instance.definition
        rules = replace(rules, cluster_scoped=rules.cluster_scoped | defined_by([result]))
        result = placed(result, target.destination_namespace, rules.cluster_scoped)
        result = without_excluded(result, rules.exclusions, instance.cluster)
        for text in (*result.warnings, *(f"without {item.name} {item.version}" for item in result.missing)):
            self.stderr.write(f"astrolabe: {text}")
        if rules.tracking is None or target.flux:
            return to_readable_text(result.resources)
        tracker = Tracker(rules.tracking, target.instance_name, target.destination_namespace)
        return to_readable_text(tracker.tracked(resource) for resource in result.resources)


def find_instance(fleet: Fleet, options: dict[str, Any]) -> Instance:
    """The instance that --cluster and --application name. Raises BadInput with what there is instead."""
    cluster, application = options["cluster"], options["application"]
    for instance in fleet.instances:
        if instance.cluster == cluster and application in (instance.application, instance.definition.name):
            return instance
    clusters = sorted({instance.cluster for instance in fleet.instances})
    if cluster not in clusters:
        raise BadInput(f"there is no cluster {cluster!r}; found are {', '.join(clusters) or 'none'}")
    here = sorted(instance.application for instance in fleet.instances if instance.cluster == cluster)
    raise BadInput(f"there is no application {application!r} on {cluster}; found are {', '.join(here)}")
