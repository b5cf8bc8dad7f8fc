"""The matrix of a large fleet: the server's time, the bytes, and that cost grows with the cells and not faster.

    python -m bench.matrix

Writes previews of 100 clusters × 300 applications with 750, 1,500 and 3,000 changed cells into a database of its own
and asks for their pages in this process. Ends with 1 when a bar is missed.
"""

from __future__ import annotations

import gzip
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client

    from previews.models import Cell, Preview

CLUSTERS, APPLICATIONS = 100, 300
REPEAT = 7


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "astrolabe_web.settings", "ASTROLABE_DATA": folder}
        os.environ |= {"DATABASE_URL": f"sqlite:///{Path(folder) / 'bench.sqlite3'}", "ALLOWED_HOSTS": "testserver"}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        missed = measure_all()
    print("\n" + ("\n".join(missed) or "All bars hold."))
    sys.exit(1 if missed else 0)


def measure_all() -> list[str]:
    """Prints a row for each page; gives the bars that were missed."""
    from django.test import Client

    client = Client(headers={"Accept-Encoding": "gzip"})
    missed = []
    print("| page | server | compressed | uncompressed | bar |\n|---|--:|--:|--:|--:|")
    for cells in (750, 1500, 3000):
        preview = make_preview(cells)
        pages = [("what changes", "", 0.3, 250_000), ("unfiltered", "?show=all", 1.0, None)]
        for name, query, seconds, size in pages:
            took, sent, plain = measure(client, preview, query)
            label = f"{name}, {cells:,} cells of {CLUSTERS} × {APPLICATIONS}"
            bar = f"{seconds * 1000:.0f} ms" + (f", {size // 1000} kB" if size else "")
            print(f"| {label} | {took * 1000:.0f} ms | {sent / 1000:.0f} kB | {plain / 1000:,.0f} kB | {bar} |")
            if took >= seconds or (size and sent >= size):
                missed.append(f"MISSED {label}")
        missed += measure_poll(client, preview)
    return missed


def measure_poll(client: Client, preview: Preview) -> list[str]:
    """Prints the row of a poll of the running preview that brings as many cells as one job completes."""
    from previews.models import Cell, Preview

    keys = list(preview.cells.order_by("pk").values_list("pk", flat=True))
    Cell.objects.bulk_update((Cell(pk=pk, turn=turn) for turn, pk in enumerate(keys, 1)), ["turn"], batch_size=500)
    totals = {**preview.totals, "cells": len(keys), "done": len(keys), "failed": 0}
    Preview.objects.filter(pk=preview.pk).update(state=Preview.RENDERING, totals=totals)
    took, sent, plain = measure(client, preview, f"progress/?attempt={preview.attempt}&turn={len(keys) - 40}")
    label = f"poll that brings 40 of {len(keys):,} cells"
    print(f"| {label} | {took * 1000:.0f} ms | {sent / 1000:.0f} kB | {plain / 1000:,.0f} kB | 50 ms, 10 kB |")
    return [f"MISSED {label}"] if took >= 0.05 or sent >= 10_000 else []


def measure(client: Client, preview: Preview, query: str) -> tuple[float, int, int]:
    """Median seconds of the page, and its bytes as sent and before that."""
    times = []
    content = b""
    for _ in range(REPEAT):
        started = time.perf_counter()
        response = client.get(preview.get_absolute_url() + query)
        times.append(time.perf_counter() - started)
        assert response.status_code == 200, response.content[:500]
        content = response.content
    return statistics.median(times), len(content), len(gzip.decompress(content))


def make_preview(cells: int) -> Preview:
    """A finished preview with so many changed cells, in the shape of template changes: some rows are nearly full."""
    from previews.models import Cell, Cluster, Fleet, Preview, Repository

    chance = random.Random(cells)
    clusters = [f"region{number // 20}-prod-{number:03d}" for number in range(CLUSTERS)]
    applications = [f"application-{number:03d}" for number in range(APPLICATIONS)]
    repository = Repository.objects.create(name=f"fleet-{cells}", slug=f"fleet-{cells}", url=f"https://x/{cells}")
    Cluster.objects.bulk_create(
        Cluster(repository=repository, name=name, group=name.partition("-")[0], position=place)
        for place, name in enumerate(clusters)
    )
    places = [(cluster, application) for application in applications for cluster in clusters]
    kept = {application: dict.fromkeys(clusters, False) for application in applications}
    fleet = Fleet.objects.create(repository=repository, tree="t", config="c", places=kept)
    totals = {"instances": len(places), "unchanged": len(places) - cells, "deploys": cells, "value_only": 0}
    preview = Preview.objects.create(
        repository=repository, key=str(cells), base_revision="main", head_revision="feature", base_fleet=fleet,
        head_fleet=fleet, state=Preview.DONE, totals=totals, seconds={"total": 3.0},
    )  # fmt: skip
    chosen = places[: cells * 2 // 3] + chance.sample(places[cells * 2 // 3 :], cells - cells * 2 // 3)
    Cell.objects.bulk_create((make_cell(preview, place, chance) for place in chosen), batch_size=500)
    return preview


def make_cell(preview: Preview, place: tuple[str, str], chance: random.Random) -> Cell:
    """A cell that a template changes."""
    from previews.models import Cell

    cluster, application = place
    name, path = f"{application}-{cluster}", f"charts/{application}"
    resource = {"group": "apps", "kind": "Deployment", "namespace": "x", "name": application, "state": "changed"}
    return Cell(
        preview=preview,
        cluster=cluster,
        application=application,
        name=name,
        path=path,
        causes=["template"],
        value_state="unchanged",
        yaml_state="changed",
        deploys=True,
        pinned=False,
        group=f"g{chance.randrange(40)}",
        yaml_added=chance.randrange(1, 9),
        yaml_removed=chance.randrange(9),
        resources=[{**resource, "lines": [1, 1], "edit": str(chance.randrange(7))}],
    )


if __name__ == "__main__":
    main()
