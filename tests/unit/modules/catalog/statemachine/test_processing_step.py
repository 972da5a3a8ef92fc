import pytest
from pydantic import ValidationError

from apps.modules.catalog.statemachine.processing_step import ProcessingStep
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "processing.step")


@pytest.mark.spec("D9")
@pytest.mark.parametrize(("written", "tries"), [(0, 1), (3, 4), ("3", 4), (3.0, 4), (-1, 3), (-5, 3)])
def test_the_number_of_tries_follows_from_the_retries(written, tries):
    assert make(ProcessingStep, {"componentId": "c", "maxRetries": written}).retry.attempts == tries


def test_pauses_and_timeout_are_those_of_the_document():
    retry = make(ProcessingStep, {"componentId": "c", "retryBackoffMs": 250, "timeoutSeconds": 7}).retry
    assert (retry.first_pause_seconds, retry.factor, retry.timeout_seconds) == (0.25, 2.0, 7.0)


def test_a_step_that_names_nothing_to_call_is_a_finding():
    assert make(ProcessingStep).problems()[0][:2] == ("componentId", "config.required")
    assert make(ProcessingStep, {"componentId": "c"}).problems() == []


@pytest.mark.spec("D6")
def test_success_when_must_be_an_expression():
    good = make(ProcessingStep, {"componentId": "c", "successWhen": "data.status == 'approved'"})
    bad = make(ProcessingStep, {"componentId": "c", "successWhen": "data.status == (("})
    assert good.problems() == []
    assert bad.problems()[0][:2] == ("successWhen", "expression.invalid")


@pytest.mark.shows("processing.step", "failure")
def test_nobody_waits_for_more_than_fifty_retries():
    with pytest.raises(ValidationError):
        make(ProcessingStep, {"maxRetries": 51})
