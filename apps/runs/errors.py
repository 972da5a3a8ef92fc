"""What can go wrong with runs, as callers are told."""

from apps.core.errors import Conflict, Invalid, NotFound, TooLarge


class PayloadRefused(TooLarge):
    """More than a run, a message or a receipt may hold."""

    code = "payload.too_large"
    title = "This is more than is kept"


class RunFinished(Conflict):
    """The run has ended; nothing can be done to it any more."""

    code = "run.finished"
    title = "The run has ended"


class RunNotRetryable(Conflict):
    """Only failed and cancelled runs of the worker are retried."""

    code = "run.not-retryable"
    title = "This run cannot be retried"


class NothingLive(NotFound):
    """The workflow is not deployed there."""

    code = "deployment.none"
    title = "Nothing is live there"


class UnknownTarget(Invalid):
    """The document has no section, definition or pipeline of that name."""

    code = "workflow.unknown"
    title = "The document has nothing of that name"


class EffectSettled(Conflict):
    """The step's effect is not in doubt any more."""

    code = "effect.settled"
    title = "This effect is not in doubt"


class TransitionRefused(Conflict):
    """The instance did not take the transition; `code` says why."""

    code = "transition.refused"
    title = "The transition was refused"
