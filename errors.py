"""What can go wrong, named after what happened. No HTTP here: app.py turns these into answers."""

from __future__ import annotations


class ChatelaineError(Exception):
    """Never raised itself; every failure that a caller may meet derives from it."""


class SignInRequired(ChatelaineError):
    """Nobody is signed in, or the session has ended."""


class StepUpRequired(ChatelaineError):
    """The actor must prove again who they are before going on."""


class NotFound(ChatelaineError):
    """There is no such thing, or the actor may not know that there is."""


class Denied(ChatelaineError):
    """The actor knows of the thing but lacks the right."""


class Invalid(ChatelaineError):
    """A value cannot be accepted.

    Args:
        sentence: what is wrong and what to do, fit to be shown.
        field: the form field that it belongs to, where one is known.
    """

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class Conflict(ChatelaineError):
    """The state has moved on: a name is taken, a version is not the newest, a link is spent."""


class LastOwner(Conflict):
    """The organization would be left without an owner."""


class TooManyRequests(ChatelaineError):
    """A limit is reached.

    Args:
        retry_after: seconds until it is worth trying again.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class Unavailable(ChatelaineError):
    """The work cannot be taken on now; nothing was done."""


class NoOrganization(ChatelaineError):
    """A query on an organization's rows ran without naming the organization: a fault of ours."""


class StartRefused(ChatelaineError):
    """The program must not start; the message says why and what to do."""
