"""What a run becomes when something happens to it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from apps.engine.module import Effect
from apps.engine.run.decide import MOST_CRASHES, decide, output_of
from apps.engine.run.program import END, Program, RetryPolicy, Step, Variables
from apps.engine.run.recovery import Recovery, recover
from apps.engine.run.retry import LONGEST_ASKED_SECONDS, jitter, pause_seconds
from apps.engine.run.state import (
    Again,
    Cancelled,
    Claimed,
    Done,
    Failed,
    Finish,
    LeaseLost,
    Ledger,
    Lost,
    NotHappened,
    Park,
    Queue,
    Receipt,
    RecordStep,
    RunState,
    SendAgain,
    Settled,
    Status,
    TryStep,
    Unchecked,
    VerifyStep,
    Woken,
)
from apps.engine.run.waits import WaitReason

NOW = datetime(2030, 1, 1, tzinfo=UTC)
RUN = UUID("0190aaaa-0000-7000-8000-000000000001")
ERROR = {"code": "t.no", "message": "no"}


def program(effect: Effect = Effect.PURE, *, on_error: int | None = None, attempts: int = 3) -> Program:
    retry = RetryPolicy(attempts=attempts)
    return Program(
        "pipeline:p",
        (
            Step(0, "first", "uses", print, effect=effect, retry=retry, on_error=on_error),
            Step(1, "second", "uses", print, effect=effect, retry=retry),
        ),
    )


def fresh(**changes) -> RunState:
    state = RunState.start(RUN, "pipeline:p", {"n": 1}, NOW)
    for name, value in changes.items():
        setattr(state, name, value)
    return state


def claimed(**changes) -> RunState:
    return fresh(status=Status.CLAIMED, wait=None, **changes)


def done(following: int) -> Done:
    return Done(Variables({"n": 2}), "out", following)


def test_a_claim_tries_the_step_at_hand():
    state, commands = decide(program(), fresh(), Claimed(), NOW)
    assert (state.status, state.wait) == (Status.CLAIMED, None)
    assert commands == [TryStep(0, 1)]


def test_a_success_goes_on_to_the_next_step_with_a_new_count_of_attempts():
    state, commands = decide(program(), claimed(step_attempt=2, crashes=3), done(1), NOW)
    assert (state.position, state.step_attempt, state.crashes) == (1, 1, 0)
    assert commands == [RecordStep(0, 2, "done", "out"), TryStep(1, 1)]


def test_the_last_success_ends_the_run_with_its_data():
    state, commands = decide(program(), claimed(position=1), done(END), NOW)
    assert (state.status, state.output) == (Status.DONE, {"n": 2})
    assert commands[-1] == Finish(Status.DONE, {"n": 2})


def test_a_response_is_the_output_of_a_run_that_gave_one():
    variables = Variables({"n": 1})
    variables.response = {"status": 201, "headers": {}, "body": "made"}
    assert output_of(variables) == "made"


def test_a_failure_ends_the_run():
    state, commands = decide(program(), claimed(), Failed(ERROR, trace="for operators"), NOW)
    assert state.status is Status.FAILED
    assert state.error == {**ERROR, "step": "first"}
    assert [type(command) for command in commands] == [RecordStep, Finish]
    assert commands[0].trace == "for operators"


def test_a_failure_goes_on_where_the_step_says_and_the_run_still_ends_as_failed():
    state, commands = decide(program(on_error=1), claimed(), Failed(ERROR), NOW)
    assert (state.status, state.position, state.variables.error["code"]) == (Status.CLAIMED, 1, "t.no")
    assert commands[-1] == TryStep(1, 1)
    variables = state.variables.copy()
    ended, _ = decide(program(on_error=1), state, Done(variables, None, END), NOW)
    assert (ended.status, ended.error["code"]) == (Status.FAILED, "t.no")


@pytest.mark.spec("SPINE-B6.5", "SPINE-B6.9")
def test_another_try_waits_for_its_pause_and_says_so():
    state, commands = decide(program(), claimed(), Again(ERROR, after=7.0), NOW)
    assert (state.status, state.step_attempt) == (Status.WAITING, 2)
    assert (state.wait.reason, state.wait.until) == (WaitReason.RETRY, NOW + timedelta(seconds=7))
    assert commands[-1] == Queue(NOW + timedelta(seconds=7))


def test_what_a_run_waits_for_names_a_failure_without_its_message_which_may_quote_data():
    error = {"code": "http.unreachable", "message": "GET https://partner/?of=ada@example.com: timeout"}
    state, _ = decide(program(), claimed(), Again(error, after=7.0), NOW)
    assert state.wait.frees == "the next try after: http.unreachable"


@pytest.mark.spec("SPINE-B6.9")
def test_a_try_that_our_own_store_spoilt_costs_no_attempt_not_even_the_last_one():
    state, commands = decide(program(attempts=2), claimed(step_attempt=2), Again(ERROR, free=True), NOW)
    assert (state.status, state.step_attempt, state.wait.reason) == (Status.WAITING, 2, WaitReason.RETRY)
    assert commands[-1] == Queue(state.wait.until)


def test_after_the_last_attempt_another_try_is_a_failure():
    state, _ = decide(program(attempts=2), claimed(step_attempt=2), Again(ERROR), NOW)
    assert (state.status, state.error["code"]) == (Status.FAILED, "t.no")


@pytest.mark.spec("SPINE-B6.3")
@pytest.mark.parametrize("status", [Status.READY, Status.WAITING, Status.UNKNOWN, *(s for s in Status if s.is_final)])
@pytest.mark.parametrize("event", [done(1), Failed(ERROR), Again(ERROR), Lost(ERROR), NotHappened(), Unchecked(ERROR)])
def test_what_a_worker_says_without_a_claim_is_late_and_changes_nothing(status, event):
    state = fresh(status=status)
    assert decide(program(), state, event, NOW) == (state, [])


@pytest.mark.parametrize("event", [Claimed(), Cancelled(), Woken(), LeaseLost(), Settled()])
def test_nothing_happens_to_a_run_that_is_done(event):
    state = fresh(status=Status.DONE)
    assert decide(program(), state, event, NOW) == (state, [])


@pytest.mark.spec("SPINE-B6.7")
@pytest.mark.parametrize(
    ("effect", "ledger", "expected"),
    [
        (Effect.PURE, None, Recovery.TRY),
        (Effect.PURE, Ledger(), Recovery.TRY),
        (Effect.IDEMPOTENT, None, Recovery.TRY),
        (Effect.IDEMPOTENT, Ledger(), Recovery.TRY),
        (Effect.CHECKABLE, Ledger(), Recovery.VERIFY),
        (Effect.ONCE, None, Recovery.TRY),
        (Effect.ONCE, Ledger(), Recovery.UNKNOWN),
        (Effect.COMPENSABLE, Ledger(), Recovery.UNKNOWN),
        (Effect.ONCE, Ledger(Receipt({"ok": 1})), Recovery.USE_RECEIPT),
        (Effect.ONCE, Ledger(Receipt(error=ERROR)), Recovery.TRY_ANEW),
    ],
)
def test_a_claim_that_finds_traces_of_an_earlier_one_follows_the_effect_class(effect, ledger, expected):
    assert recover(effect, ledger) is expected


@pytest.mark.spec("SPINE-B6.7")
def test_an_intent_without_receipt_of_something_done_once_parks_the_run_for_a_person():
    state, commands = decide(program(Effect.ONCE), claimed(), Claimed(Ledger()), NOW)
    assert (state.status, state.wait.reason) == (Status.UNKNOWN, WaitReason.UNKNOWN_EFFECT)
    assert [type(command) for command in commands] == [RecordStep, Park]


def test_an_intent_without_receipt_of_something_checkable_is_asked_about():
    state, commands = decide(program(Effect.CHECKABLE), claimed(), Claimed(Ledger()), NOW)
    assert commands == [VerifyStep(0, 1)]
    assert state.status is Status.CLAIMED


@pytest.mark.spec("SPINE-B6.4")
def test_a_receipt_that_was_not_recorded_replaces_the_call():
    receipt = Receipt({"ok": True})
    _, commands = decide(program(Effect.ONCE), claimed(), Claimed(Ledger(receipt)), NOW)
    assert commands == [TryStep(0, 1, receipt)]


@pytest.mark.parametrize(("final", "status"), [(True, Status.FAILED), (False, Status.WAITING)])
def test_a_refusal_that_was_not_recorded_counts_as_it_would_have(final, status):
    error = {**ERROR, "after": 2.0} | ({"final": True} if final else {})
    state, _ = decide(program(Effect.ONCE), claimed(), Claimed(Ledger(Receipt(error=error))), NOW)
    assert state.status is status


@pytest.mark.parametrize(
    ("effect", "status", "command"),
    [
        (Effect.IDEMPOTENT, Status.WAITING, Queue),
        (Effect.CHECKABLE, Status.CLAIMED, VerifyStep),
        (Effect.ONCE, Status.UNKNOWN, Park),
    ],
)
def test_a_try_without_an_answer_follows_the_effect_class(effect, status, command):
    state, commands = decide(program(effect), claimed(), Lost(ERROR), NOW)
    assert state.status is status
    assert isinstance(commands[-1], command)


def test_what_did_not_happen_is_tried_again():
    state, _ = decide(program(Effect.CHECKABLE), claimed(), NotHappened(), NOW)
    assert (state.status, state.step_attempt) == (Status.WAITING, 2)


def test_a_check_without_an_answer_is_repeated_for_the_same_attempt_and_in_the_end_by_a_person():
    state, commands = decide(program(Effect.CHECKABLE), claimed(), Unchecked(ERROR, 4.0), NOW)
    assert (state.status, state.step_attempt, state.crashes) == (Status.WAITING, 1, 1)
    assert commands[-1] == Queue(NOW + timedelta(seconds=4))
    for given, event in ((claimed(crashes=MOST_CRASHES), Unchecked(ERROR)), (claimed(), Unchecked(ERROR, final=True))):
        state, _ = decide(program(Effect.CHECKABLE), given, event, NOW)
        assert state.status is Status.UNKNOWN


@pytest.mark.spec("SPINE-B6.4")
def test_an_unknown_effect_is_settled_by_its_receipt():
    state, commands = decide(program(Effect.ONCE), fresh(status=Status.UNKNOWN), Settled(), NOW)
    assert (state.status, state.step_attempt) == (Status.READY, 1)
    assert commands == [Queue(NOW)]


def test_sending_again_is_a_new_attempt():
    state, _ = decide(program(Effect.ONCE), fresh(status=Status.UNKNOWN), SendAgain(), NOW)
    assert (state.status, state.step_attempt) == (Status.READY, 2)
    running = claimed()
    assert decide(program(), running, SendAgain(), NOW) == (running, [])


def test_a_failed_run_is_tried_again_where_it_failed():
    failed, _ = decide(program(on_error=1), claimed(), Failed(ERROR), NOW)
    ended, _ = decide(program(on_error=1), failed, Done(failed.variables.copy(), None, END), NOW)
    state, _ = decide(program(on_error=1), ended, SendAgain(), NOW)
    assert (state.position, state.status, state.error, state.variables.error) == (0, Status.READY, None, None)


def test_a_run_that_failed_nowhere_in_particular_is_tried_again_where_it_stands():
    state, _ = decide(program(), fresh(status=Status.FAILED, position=1, error={"code": "x"}), SendAgain(), NOW)
    assert state.position == 1


def test_waiting_ends_when_its_time_has_come():
    waiting, _ = decide(program(), claimed(), Again(ERROR), NOW)
    state, commands = decide(program(), waiting, Woken(), NOW)
    assert (state.status, state.wait.reason) == (Status.READY, WaitReason.WORKER)
    assert commands == [Queue(NOW)]


def test_a_lost_lease_makes_the_run_claimable_and_the_next_claim_counts_a_crash():
    lost, commands = decide(program(), claimed(), LeaseLost(), NOW)
    assert commands == [Queue(NOW)]
    assert lost.wait is not None
    again, _ = decide(program(), lost, Claimed(), NOW)
    assert again.crashes == 1


def test_a_step_that_kills_every_worker_is_given_up():
    state, _ = decide(program(), claimed(crashes=MOST_CRASHES), Claimed(), NOW)
    assert (state.status, state.error["code"]) == (Status.FAILED, "run.poison")


@pytest.mark.spec("SPINE-B6.10")
@pytest.mark.parametrize("status", [Status.READY, Status.CLAIMED, Status.WAITING, Status.UNKNOWN])
def test_a_run_is_cancelled_wherever_it_stands(status):
    state, commands = decide(program(), fresh(status=status), Cancelled(), NOW)
    assert (state.status, state.error["code"]) == (Status.CANCELLED, "run.cancelled")
    assert isinstance(commands[-1], Finish)


@pytest.mark.parametrize(
    ("effect", "ledger", "status", "reason"),
    [
        (Effect.IDEMPOTENT, Ledger(), Status.WAITING, WaitReason.RETRY),
        (Effect.ONCE, Ledger(), Status.UNKNOWN, WaitReason.UNKNOWN_EFFECT),
        (Effect.ONCE, None, Status.WAITING, WaitReason.RETRY),
    ],
)
def test_a_try_taken_from_a_worker_that_hangs_counts_as_one_without_an_answer(effect, ledger, status, reason):
    state, commands = decide(program(effect), claimed(), Claimed(ledger, is_overdue=True), NOW)
    assert (state.status, state.wait.reason) == (status, reason)
    assert commands[0].error["code"] == "step.timeout"


def test_the_last_try_that_hangs_fails_the_run():
    state, _ = decide(program(Effect.IDEMPOTENT, attempts=1), claimed(), Claimed(Ledger(), is_overdue=True), NOW)
    assert (state.status, state.error["code"], state.error["step"]) == (Status.FAILED, "step.timeout", "first")


def test_a_hanging_try_of_a_checkable_step_is_asked_after_and_one_with_a_receipt_has_ended():
    _, commands = decide(program(Effect.CHECKABLE), claimed(), Claimed(Ledger(), is_overdue=True), NOW)
    assert commands == [VerifyStep(0, 1)]
    _, commands = decide(program(Effect.ONCE), claimed(), Claimed(Ledger(Receipt(7)), is_overdue=True), NOW)
    assert commands == [TryStep(0, 1, Receipt(7))]


def test_a_hanging_step_that_leaves_nothing_outside_is_begun_again_as_after_a_crash():
    state, commands = decide(program(), claimed(), Claimed(is_overdue=True), NOW)
    assert (commands, state.crashes) == ([TryStep(0, 1, None)], 1)


def test_deciding_changes_nothing_of_the_state_it_was_given():
    before = claimed()
    stored = orjson.dumps(before.as_dict())
    for event in (done(1), Failed(ERROR), Again(ERROR), Lost(ERROR), Cancelled(), Claimed(), LeaseLost()):
        decide(program(on_error=1), before, event, NOW)
    assert orjson.dumps(before.as_dict()) == stored


def test_a_state_survives_storage():
    waiting, _ = decide(program(), claimed(), Again(ERROR), NOW)
    for state in (fresh(), waiting, decide(program(Effect.ONCE), claimed(), Lost(ERROR), NOW)[0]):
        again = RunState.from_dict(RUN, orjson.loads(orjson.dumps(state.as_dict())))
        assert again.as_dict() == state.as_dict()
        assert again.wait == state.wait


@pytest.mark.spec("SPINE-B6.9")
def test_pauses_grow_have_a_cap_and_are_the_same_for_the_same_try():
    policy = RetryPolicy(first_pause_seconds=1, factor=2, longest_pause_seconds=5)
    pauses = [pause_seconds(policy, RUN, attempt) for attempt in range(1, 20)]
    assert pauses == [pause_seconds(policy, RUN, attempt) for attempt in range(1, 20)]
    for attempt, pause in enumerate(pauses, start=1):
        assert 0 <= pause <= min(5, 2 ** (attempt - 1))
    assert len({round(jitter(RUN, attempt), 6) for attempt in range(100)}) > 95


@pytest.mark.parametrize("factor", [1.0, 2.0, 10.0, 1e300, float("inf")])
def test_pauses_stay_at_their_cap_however_often_a_step_is_tried(factor):
    policy = RetryPolicy(attempts=10_000, factor=factor, longest_pause_seconds=60.0)
    for attempt in (2, 3, 310, 1_025, 10_000):
        longest = 1.0 if factor == 1.0 else min(factor ** min(attempt - 1, 1), 60.0)
        assert longest * jitter(RUN, attempt) <= pause_seconds(policy, RUN, attempt) <= 60.0
    assert pause_seconds(RetryPolicy(first_pause_seconds=0.0, factor=factor), RUN, 2_000) == 0.0


def test_a_step_that_is_tried_for_the_two_thousandth_time_waits_like_before():
    state, _ = decide(program(attempts=10_000), claimed(step_attempt=2_000), Again(ERROR), NOW)
    assert (state.status, state.step_attempt) == (Status.WAITING, 2_001)


def test_a_target_may_ask_for_its_own_pause_within_reason():
    assert pause_seconds(RetryPolicy(), RUN, 1, 90.0) == 90.0
    assert pause_seconds(RetryPolicy(), RUN, 1, -5.0) == 0.0
    assert pause_seconds(RetryPolicy(), RUN, 1, 1e9) == LONGEST_ASKED_SECONDS


def test_a_receipt_written_by_a_person_is_a_value():
    assert Receipt.from_dict({"sent": True}) == Receipt({"sent": True})
    assert Receipt.from_dict(Receipt(1, failed_as_result="no").as_dict()) == Receipt(1, failed_as_result="no")
