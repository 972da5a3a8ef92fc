import pytest
from pydantic import ValidationError

from apps.modules.catalog.messaging.event_processor import EventProcessor
from tests.unit.modules.making import make
from tests.unit.modules.playing import playing

pytestmark = [pytest.mark.spec("event.processor"), pytest.mark.spec("CAT-B1")]


def test_without_settings_it_keeps_a_thousand_events_for_five_minutes_more():
    config = make(EventProcessor).config
    assert (config.buffer_size, config.cleanup_interval) == (1_000, 300.0)


@pytest.mark.parametrize("size", [7, 7.0, "7"])
@pytest.mark.parametrize("interval", ["1m", 60, "60"])
def test_numbers_and_durations_are_read_in_every_spelling(size, interval):
    config = make(EventProcessor, {"bufferSize": size, "cleanupInterval": interval}).config
    assert (config.buffer_size, config.cleanup_interval) == (7, 60.0)


@pytest.mark.parametrize(
    "config", [{"bufferSize": 0}, {"bufferSize": 10_001}, {"cleanupInterval": "soon"}, {"cleanupInterval": "48h"}]
)
def test_a_buffer_is_bounded_in_size_and_time(config):
    with pytest.raises(ValidationError):
        make(EventProcessor, config)


@pytest.mark.shows("event.processor", "example")
async def test_the_example_locks_the_door_after_the_third_refusal_and_notes_the_visit():
    async with playing("event_processor") as place:
        for topic in ("refused", "refused", "opened", "refused", "closed"):
            await place.publish(f"door.{topic}", {"visitor": "v-1", "door": "north"})
        await place.publish("door.refused", {"visitor": "v-2", "door": "north"})
        actions = [run["action"] for run in place.runs("event")]
        assert sorted(actions) == ["came-and-went -> note", "wrong-thrice -> lock"]
        assert place.payloads("visit.over") == [{"visitor": "v-1", "events": 2}]
