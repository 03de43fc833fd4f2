"""What can go wrong, named after what happened. No HTTP here: app.py turns these into answers."""

from __future__ import annotations


class ChatelaineError(Exception):
    """Never raised itself; every failure that a caller may meet derives from it."""


class SignInRequired(ChatelaineError):
    """Nobody is signed in, or the session has ended."""


class StepUpRequired(ChatelaineError):
    """The actor must prove again who they are before going on."""


class SecondFactorRequired(ChatelaineError):
    """The session was opened with a token, and the code that belongs to it has not come yet."""


class SecondFactorMissing(ChatelaineError):
    """The actor has no second factor, and this installation wants everybody to have one."""


class TokenMustBeReplaced(ChatelaineError):
    """The actor signed in with a first token, which is good for nothing but making their own."""


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


class VersionConflict(Conflict):
    """Somebody else has changed the thing since it was opened; nothing was stored.

    Args:
        expected: the version that the change was made on.
        found: the newest version.
        by: the name of who made the newest.
        differences: what differs, each with its text in the newest version and in the refused one; of a
            secret only whether it was changed.
    """

    def __init__(
        self, expected: int, found: int, by: str, differences: tuple[tuple[str, str, str], ...] = ()
    ) -> None:
        super().__init__(
            f"{by or 'Somebody'} has saved version {found} since you opened version {expected}. "
            "Nothing of yours was stored; compare the two and save again."
        )
        self.expected = expected
        self.found = found
        self.by = by
        self.differences = differences


class LastOwner(Conflict):
    """The organization would be left without an owner."""


class Undecryptable(ChatelaineError):
    """A value cannot be decrypted: it was altered or moved, or its key is not there.

    That it was met is among the events of the unit of work, which must be kept.

    Args:
        key: the version of the data key that the value names; 0: it names none.
    """

    def __init__(self, key: int) -> None:
        super().__init__(f"cannot be decrypted (key {key or 'unknown'})")
        self.key = key


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


class KeysMissing(StartRefused):
    """The configured keys are not those that the database needs."""
