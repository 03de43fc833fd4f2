"""What can go wrong, named after what happened. No HTTP here: app.py turns these into answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


class ChatelaineError(Exception):
    """Never raised itself; every failure that a caller may meet derives from it."""


class SignInRequired(ChatelaineError):
    """Nobody is signed in, or the session has ended."""


class TokenRefused(SignInRequired):
    """A program's token opens nothing.

    Args:
        reason: for the audit log; whoever presents the token is not told.
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


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


class OrganizationClosed(Denied):
    """The organization is suspended, or will be deleted: nobody works in it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is suspended. Nobody can work in it until the operator lets it go on.")


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


class NameTaken(Conflict):
    """Something else is called so; the sentence says what, for a page, where whoever typed it sees it."""

    PLAIN = "That name is taken. Choose another."
    """For a program: nothing that it sent is repeated."""


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


class VersionDeleted(Conflict):
    """A program has deleted or destroyed that version."""

    def __init__(self, number: int, *, destroyed: bool) -> None:
        what = "destroyed" if destroyed else "deleted"
        then = "It is gone." if destroyed else "Bring it back on the page of its history."
        super().__init__(f"A program has {what} version {number}. {then}")
        self.destroyed = destroyed


class LastOwner(Conflict):
    """The organization would be left without an owner."""


class PreconditionRequired(ChatelaineError):
    """A change does not say which version of the thing it was made on."""


class PreconditionFailed(ChatelaineError):
    """The thing is not as the caller has seen it."""


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
        limit: how many requests there may be in the window; None: not told.
        used: how many there were.
    """

    def __init__(self, retry_after: int, *, limit: int | None = None, used: int | None = None) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after} seconds.")
        self.retry_after = retry_after
        self.limit = limit
        self.used = used


class Unavailable(ChatelaineError):
    """The work cannot be taken on now; nothing was done."""


class StoreFailed(Unavailable):
    """The place where files lie did not do what it was asked for; the message is fit to be shown."""


class ObjectMissing(ChatelaineError):
    """The place where files lie has none of that name."""


class ReadOnly(Unavailable):
    """The installation was started without one of its master keys, and changes nothing."""

    def __init__(self) -> None:
        super().__init__(
            "Chatelaine was started without one of its master keys and is read-only: what can be decrypted "
            "can be read, and nothing can be changed. Ask the operator to put the key back."
        )


class ProviderFailed(ChatelaineError):
    """A provider of single sign-on did not answer, or answered with what cannot be believed.

    Args:
        reason: a few words for the log and the event, never what the provider sent.
        down: it gave no answer at all, so that trying again may help.
    """

    def __init__(self, reason: str, *, down: bool = False) -> None:
        super().__init__(f"the provider failed: {reason}")
        self.reason = reason
        self.down = down


class NotAdmitted(ChatelaineError):
    """The provider vouches for somebody, or refuses to, and nobody is let in for it.

    Args:
        reason: a few words for the event; the page has its own for each.
        organization_id: the one whose member it would be, where that is known.
    """

    def __init__(self, reason: str, organization_id: UUID | None = None) -> None:
        super().__init__(f"not admitted: {reason}")
        self.reason = reason
        self.organization_id = organization_id


class NoOrganization(ChatelaineError):
    """A query on an organization's rows ran without naming the organization: a fault of ours."""


class StartRefused(ChatelaineError):
    """The program must not start; the message says why and what to do."""


class KeysMissing(StartRefused):
    """The configured keys are not those that the database needs."""


class BackupFailed(ChatelaineError):
    """A backup cannot be made or loaded here: a program that is needed is missing, or has failed."""


class CopyFailed(ChatelaineError):
    """A database cannot be copied into another, or compared with it; the message says why."""


class BackupDamaged(ChatelaineError):
    """A backup cannot be believed, or not be opened.

    Args:
        reason: goes on from its name: "its manifest cannot be read".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"This backup cannot be used: {reason}.")
        self.reason = reason
