"""Every module type is ready, and the real counterparts that are promised are met: read from the marks of the tests."""

import pytest

import apps.modules.catalog
from apps.engine.checks.known import PLACEHOLDERS
from apps.engine.levels import NEEDED, OWN
from apps.engine.registry import discover
from tests.contract import test_catalog
from tests.support.marks import marks_of

pytestmark = pytest.mark.spec("CAT-B1.2")

KINDS = frozenset(module_type.kind for module_type in discover(apps.modules.catalog))


def shown():
    """Return pairs of kind and what a test bears a mark for; what is marked case by case is read from the cases."""
    marks = [mark for of_file in marks_of().values() for mark in of_file]
    cases = test_catalog.test_a_type_explains_itself.pytestmark
    marks += [(mark.name, mark.args) for case in cases_of(cases) for mark in case.marks]
    own = {(kind, OWN) for name, arguments in marks if name == "spec" for kind in arguments}
    return own | {(arguments[0], what) for name, arguments in marks if name == "shows" for what in arguments[1:]}


def cases_of(marks):
    """Return the cases of a parametrised test."""
    return next(mark.args[1] for mark in marks if mark.name == "parametrize")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_type_has_its_test_its_example_a_test_of_failure_and_one_of_its_description(kind):
    assert [what for what in NEEDED["ready"] if (kind, what) not in shown()] == []


def test_no_mark_names_a_type_that_is_not_there():
    named = {arguments[0] for of_file in marks_of().values() for name, arguments in of_file if name != "spec"}
    assert named - KINDS == set()
    assert set() == KINDS & PLACEHOLDERS
