"""The migrations say what the models say, one line per app."""

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from tests.support.checkout import project_files

pytestmark = pytest.mark.spec("SPINE-B3")

OURS = {"core", "tenants", "modules", "workflows", "runs"}


def test_no_model_has_changed_without_a_migration(database):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_each_app_has_one_line_of_migrations(database):
    graph = MigrationLoader(None).graph
    leaves = [node for node in graph.leaf_nodes() if node[0] in OURS]
    assert len(leaves) == len({app for app, _ in leaves})


def test_every_migration_of_ours_has_a_name_of_its_own():
    names = [path.stem for path in project_files() if path.parent.name == "migrations" and path.stem != "__init__"]
    assert [name for name in names if "auto" in name.split("_")] == []
