"""Which columns of the run path are sealed at rest, and the one way in and out of each (`apps/core/sealing.py`).

A name is `<table>|<column>`, as the envelope is tied to it. A test compares this list with the columns there are, so a
new payload column is either here or fails the build.
"""

from apps.core.sealing import ANSWER_BODY

RUN_INPUT = "runs_run|input"
RUN_OUTPUT = "runs_run|output"
RUN_ERROR = "runs_run|error"
RUN_STEPS = "runs_run|steps"
RUN_PROGRESS = "runs_run|progress"
STEP_INPUT = "runs_step|input"
STEP_OUTPUT = "runs_step|output"
STEP_ERROR = "runs_step|error"
STEP_LOGS = "runs_step|logs"  # in parts: the database appends those of later attempts
MESSAGE_PAYLOAD = "runs_message|payload"
MESSAGE_HEADERS = "runs_message|headers"
RECEIPT = "runs_effectentry|receipt"
INSTANCE_DATA = "runs_instance|data"
INSTANCE_ERROR = "runs_instance|error"
TRANSITION_DATA = "runs_instancetransition|data"
RESOURCE_DATA = "runs_storedresource|data"

COLUMNS = frozenset(
    {
        RUN_INPUT, RUN_OUTPUT, RUN_ERROR, RUN_STEPS, RUN_PROGRESS, STEP_INPUT, STEP_OUTPUT, STEP_ERROR, STEP_LOGS,
        MESSAGE_PAYLOAD, MESSAGE_HEADERS, RECEIPT, INSTANCE_DATA, INSTANCE_ERROR, TRANSITION_DATA, RESOURCE_DATA,
        ANSWER_BODY,
    }
)  # fmt: skip
