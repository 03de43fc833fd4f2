"""Whether a browser's answer is a good use of a passkey: looked at in one place, whatever it is for."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from crypto.envelope import DecryptionError
from crypto.keyring import SYSTEM
from crypto.passkey_answers import Answer, Fault, Known, Refused, Site, read_use
from errors import Conflict, Invalid
from models import Action, Passkey
from services import audit, passkey_challenges, strict_json
from services import passkey_queries as queries
from services.events import Target
from services.passkey_challenges import Purpose
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of an answer.

    Args:
        passkey: which one it names, as far as there is one.
        fault: why it is not accepted; None: it is.
    """

    passkey: Passkey | None
    fault: Fault | None


def site(uow: UnitOfWork) -> Site:
    """Return where passkeys are used.

    Raises:
        Conflict: browsers would not let them.
    """
    if uow.rules.passkeys is None:
        message = "Passkeys need an address with a name. This installation is reached by an IP address."
        raise Conflict(message)
    return uow.rules.passkeys


def check(
    uow: UnitOfWork, text: str, purpose: Purpose, holder: UUID, *, only_of: UUID | None = None
) -> Checked:
    """Use up the challenge that *text* answers, and look whether a passkey has answered it well.

    An answer that is good in all else moves the counter. Nothing is recorded but a key that was altered.

    Args:
        text: JSON from the browser.
        holder: who was asked.
        only_of: the person whose passkey it must be; None: anybody's, and the answer must say whose.
    """
    passkey = None
    try:
        answer = read_use(parse(text))
        passkey = uow.session.scalar(select(Passkey).where(Passkey.credential_id == answer.credential_id))
        take(uow, answer, purpose, holder)
        _count(uow, _owned(answer, passkey, only_of), answer)
    except Refused as refused:
        return Checked(passkey, refused.fault)
    return Checked(passkey, None)


def take(uow: UnitOfWork, answer: Answer, purpose: Purpose, holder: UUID) -> None:
    """Use up the challenge that *answer* is for.

    Raises:
        Refused: *holder* was not asked it for this purpose, or too long ago, or has answered it before.
    """
    if not passkey_challenges.take(uow, answer.challenge, purpose, holder):
        raise Refused(Fault.CHALLENGE)


def parse(text: str) -> object:
    """Return the JSON that a browser has sent.

    Raises:
        Refused: it is none.
    """
    try:
        return strict_json.parse(text.encode())
    except (Invalid, UnicodeEncodeError):
        raise Refused(Fault.MALFORMED) from None


def known(passkey: Passkey) -> Known:
    """Return what browsers are told of a passkey."""
    return Known(passkey.credential_id, tuple(passkey.transports.split()))


def seal(uow: UnitOfWork, passkey_id: UUID, user_id: UUID, public_key: bytes) -> bytes:
    """Encrypt a public key so that it is good in this row and for this person only."""
    return uow.keys.encrypt(SYSTEM, "passkey", passkey_id, field_of(user_id), 1, public_key)


def _owned(answer: Answer, passkey: Passkey | None, only_of: UUID | None) -> Passkey:
    if passkey is None:
        raise Refused(Fault.UNKNOWN)
    if only_of not in {None, passkey.user_id}:
        raise Refused(Fault.OWNER)
    # A device that was told which passkeys may answer need not say whose they are.
    silent = answer.user_handle is None and only_of is not None
    if answer.user_handle != passkey.user_id.bytes and not silent:
        raise Refused(Fault.OWNER)
    return passkey


def _count(uow: UnitOfWork, passkey: Passkey, answer: Answer) -> None:
    from crypto.passkeys import check_use

    used = check_use(answer, site(uow), _open(uow, passkey))
    if used.synced != passkey.synced:
        raise Refused(Fault.CHANGED)
    noted = uow.connection.execute(
        queries.COUNT_USE,
        {
            "passkey_id": passkey.id,
            # Devices that do not count say 0 each time.
            "at_most": max(used.counter - 1, 0),
            "new_counter": used.counter,
            "now_copied": used.copied,
            "used_at": uow.now,
        },
    )
    if noted.rowcount != 1:
        raise Refused(Fault.COUNTER)


def _open(uow: UnitOfWork, passkey: Passkey) -> bytes:
    place = field_of(passkey.user_id)
    try:
        return uow.keys.decrypt(SYSTEM, "passkey", passkey.id, place, 1, passkey.public_key)
    except DecryptionError:
        target = Target("passkey", passkey.id)
        audit.record(uow, Action.DECRYPTION_FAILED, target, success=False, extra={"part": "public key"})
        raise Refused(Fault.ALTERED) from None


def field_of(user_id: UUID) -> str:
    """Return the name of the field that a public key of *user_id* stands in."""
    return f"public_key of {user_id}"
