"""A person's own passkeys: added, named, proved, taken away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from crypto.passkey_answers import Answer, Refused, read_new
from errors import Conflict, Invalid, NotFound
from models import Action, Passkey
from models.passkey import NAME_MAX
from services import audit, factors, passkey_challenges, passkey_checks, sessions
from services.events import Target
from services.passkey_challenges import Purpose
from services.rules import PASSKEY_ASKED, PASSKEYS_PER_PERSON
from services.unit_of_work import UnitOfWork

KIND = "passkey"
"""What the events of a passkey say beside those of an app."""
MILLISECONDS = PASSKEY_ASKED // timedelta(milliseconds=1)


def find(uow: UnitOfWork, passkey_id: UUID) -> Passkey:
    """Return one of the actor's own passkeys.

    Raises:
        NotFound: they have none with this id.
    """
    passkey = uow.session.get(Passkey, passkey_id)
    if passkey is None or passkey.user_id != uow.actor.id:
        raise NotFound
    return passkey


def ask_for_another(uow: UnitOfWork, account: str) -> dict[str, Any]:
    """Return what the actor's browser is to make a passkey from.

    Args:
        account: what their device shows, such as the e-mail address.

    Raises:
        Conflict: they have too many, or there can be none at this address.
    """
    from crypto.passkeys import ask_for_new

    held = factors.state(uow).passkeys
    _check_number(held)
    return ask_for_new(
        passkey_checks.site(uow),
        passkey_challenges.ask(uow, Purpose.ADD, _session(uow)),
        handle=uow.actor.id.bytes,
        account=account,
        name=uow.actor.name,
        known=map(passkey_checks.known, held),
        lasts=MILLISECONDS,
    )


def add(uow: UnitOfWork, name: str, text: str) -> list[str]:
    """Keep the passkey that the actor's browser has made; return recovery codes if it is their first factor.

    Args:
        name: 1 to ``NAME_MAX`` characters, such as the device that keeps it.
        text: JSON from the browser.

    Raises:
        Invalid: the name cannot be taken, or the answer is not accepted, which is recorded.
        Conflict: the passkey is known already, or there are too many.
    """
    name = _clean_name(name)
    _check_number(factors.state(uow).passkeys)
    try:
        answer = read_new(passkey_checks.parse(text))
        passkey_checks.take(uow, answer, Purpose.ADD, _session(uow))
        passkey = _make(uow, name, answer)
    except Refused as refused:
        _record_failure(uow, str(refused.fault), name)
        message = "Your browser's answer was not accepted. Try again."
        raise Invalid(message, "credential") from None
    is_first = not factors.has(uow, uow.actor.id)
    uow.session.add(passkey)
    uow.session.flush()
    sessions.pass_second(uow)
    audit.record(uow, Action.FACTOR_ADDED, _target(uow), extra={"kind": KIND, "name": name})
    return factors.make_codes(uow) if is_first else []


def rename(uow: UnitOfWork, passkey: Passkey, name: str) -> None:
    """Call a passkey something else.

    Raises:
        Invalid: the name cannot be taken.
    """
    name, was = _clean_name(name), passkey.name
    if name == was:
        return
    passkey.name = name
    audit.record(uow, Action.FACTOR_CHANGED, _target(uow), extra={"kind": KIND, "name": name, "was": was})


def remove(uow: UnitOfWork, passkey: Passkey) -> None:
    """Take one of the actor's own passkeys away.

    Raises:
        Conflict: it is the last factor where everybody must have one.
    """
    factors.check_removable(uow)
    uow.session.delete(passkey)
    audit.record(uow, Action.FACTOR_REMOVED, _target(uow), extra={"kind": KIND, "name": passkey.name})
    factors.tidy(uow)


def ask(uow: UnitOfWork) -> dict[str, Any]:
    """Return what the actor's browser is to answer with one of their passkeys.

    Raises:
        Conflict: they have none, or there can be none at this address.
    """
    from crypto.passkeys import ask_for_use

    held = factors.state(uow).passkeys
    if not held:
        message = "You have no passkey yet. Add one in My account, Second factor."
        raise Conflict(message)
    return ask_for_use(
        passkey_checks.site(uow),
        passkey_challenges.ask(uow, Purpose.PROVE, _session(uow)),
        known=map(passkey_checks.known, held),
        lasts=MILLISECONDS,
    )


def prove(uow: UnitOfWork, text: str) -> bool:
    """Prove the actor's second factor with a passkey; the session has passed then, and counts as fresh.

    Args:
        text: JSON from the browser.
    """
    checked = passkey_checks.check(uow, text, Purpose.PROVE, _session(uow), only_of=uow.actor.id)
    name = checked.passkey.name if checked.passkey and checked.passkey.user_id == uow.actor.id else ""
    if checked.fault is not None:
        _record_failure(uow, str(checked.fault), name)
        return False
    sessions.pass_second(uow)
    audit.record(uow, Action.FACTOR_PASSED, _target(uow), extra={"kind": KIND, "name": name})
    return True


def _clean_name(name: str) -> str:
    """Return the name with blanks folded.

    Raises:
        Invalid: nothing is left, it is too long, or it holds what nobody can see.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_MAX or not name.isprintable():
        message = f"Give the passkey a name of 1 to {NAME_MAX} printable characters."
        raise Invalid(message, "name")
    return name


def _make(uow: UnitOfWork, name: str, answer: Answer) -> Passkey:
    from crypto.passkeys import check_new

    made = check_new(answer, passkey_checks.site(uow))
    if uow.session.scalar(select(Passkey.id).where(Passkey.credential_id == answer.credential_id)):
        message = "This passkey was added before."
        raise Conflict(message)
    passkey_id = uuid4()
    return Passkey(
        id=passkey_id,
        user_id=uow.actor.id,
        credential_id=answer.credential_id,
        public_key=passkey_checks.seal(uow, passkey_id, uow.actor.id, made.public_key),
        name=name,
        counter=made.counter,
        synced=made.synced,
        copied=made.copied,
        transports=" ".join(answer.transports),
        created_at=uow.now,
        last_used_at=None,
    )


def _check_number(held: Sequence[Passkey]) -> None:
    if len(held) >= PASSKEYS_PER_PERSON:
        message = f"You have {len(held)} passkeys, and more are not kept. Remove one that you no longer use."
        raise Conflict(message)


def _session(uow: UnitOfWork) -> UUID:
    if uow.actor.session_id is None:
        message = "a passkey is proved by somebody with a session"
        raise RuntimeError(message)
    return uow.actor.session_id


def _record_failure(uow: UnitOfWork, reason: str, name: str) -> None:
    extra = {"kind": KIND, "reason": reason, "name": name}
    audit.record(uow, Action.FACTOR_FAILED, _target(uow), success=False, extra=extra)


def _target(uow: UnitOfWork) -> Target:
    return Target("person", uow.actor.id, uow.actor.name)
