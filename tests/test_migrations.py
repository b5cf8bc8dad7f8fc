"""Migrations that carry data over."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def migrated():
    """Takes the database to a migration and gives its models; in the end it is as the newest one makes it."""

    def migrate(name: str):
        executor = MigrationExecutor(connection)
        executor.migrate([("previews", name)])
        return executor.loader.project_state([("previews", name)]).apps

    yield migrate
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_the_places_of_a_fleet_outlive_their_new_shape(migrated):
    before = migrated("0016_live")
    repository = before.get_model("previews", "Repository").objects.create(name="r", slug="r", url="https://x.example")
    rows = [["seoul", "web", "web-seoul", "charts/web", True], ["busan", "web", "web", "charts/web", False]]
    fleet = before.get_model("previews", "Fleet").objects.create(
        repository=repository, tree="t", config="c", instances=[*rows, ["seoul", "db", "db", "charts/db"]]
    )

    after = migrated("0017_places").get_model("previews", "Fleet").objects.get(pk=fleet.pk)
    assert after.places == {"web": {"seoul": True, "busan": False}, "db": {"seoul": False}}
