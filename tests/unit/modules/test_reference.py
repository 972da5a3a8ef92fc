"""The reference page's words: keys with their types, defaults and spellings, and the level."""

import pytest

from apps.engine.catalogue import type_entry
from apps.engine.levels import Level
from apps.engine.module import Effect
from apps.modules.pages.reference import EFFECTS, level_words, settings_of
from apps.modules.queries import module_type_example, registry

pytestmark = pytest.mark.spec("CAT-B1", "CAT-6")


def rows(kind):
    return {row.name: row for row in settings_of(type_entry(registry().get(kind)).schema)}


def test_other_spellings_stand_with_their_key():
    found = rows("http.middleware.cors")
    assert found["allowedOrigins"].others == ("allowOrigins",)
    assert "allowOrigins" not in found


def test_a_map_inside_a_config_has_its_keys_with_a_dot():
    found = rows("api.handler")
    assert found["health"].type == "map"
    assert found["health.groupBy"].default == "programId"
    assert found["health.threshold"].type == "number | string"
    assert found["stateFilter"].type == "list | string"


def test_a_required_key_says_so_and_null_is_no_type():
    assert rows("auth.jwt")["secret"].is_required
    assert all("null" not in row.type for kind in registry().kinds() for row in rows(kind).values())


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (None, ("not measured", "unknown")),
        (Level("", ("test",)), ("failing", "failed")),
        (Level("draft", ("failure",)), ("draft", "waiting")),
        (Level("proven"), ("proven", "done")),
    ],
)
def test_a_level_is_a_word_a_colour_and_what_is_missing(level, words):
    said = level_words(level)
    assert (said.name, said.tone) == words
    assert bool(said.missing) is (level is None or bool(level.missing))


def test_every_effect_class_has_words_and_every_type_an_example():
    assert set(EFFECTS) == {effect.value for effect in Effect}
    assert all(kind in module_type_example(kind) for kind in registry().kinds())
    assert module_type_example("no.such") == ""
