"""Second factors: an authenticator app, and recovery codes for the day when it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import delete, select

from crypto.authenticator import matching_step, new_seed, seed_text, seed_uri
from crypto.keyring import SYSTEM
from crypto.recovery import CODES, letters_of, new_code, read_code
from errors import Conflict
from models import Action, Factor, RecoveryCode
from services import audit, sessions
from services import factor_queries as queries
from services.events import Target
from services.unit_of_work import UnitOfWork

ISSUER = "Chatelaine"
FAILURES_MAX = 20
"""Wrong codes in a row after which an app counts no more, until it is set up again."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An app that is being set up: what is shown once, as text and as a link for a picture."""

    text: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class State:
    """What a person has.

    Args:
        app: the authenticator that counts; None: there is none.
        codes: recovery codes that are left.
    """

    app: Factor | None
    codes: int


@dataclass(frozen=True, slots=True)
class Proof:
    """That the second factor was proved.

    Args:
        codes_left: how many recovery codes there are, if it was one of them; None: it was the app.
    """

    codes_left: int | None


def state(uow: UnitOfWork) -> State:
    """Return what the actor has."""
    return State(_confirmed(uow, uow.actor.id), len(_codes(uow, uow.actor.id)))


def has(uow: UnitOfWork, user_id: UUID) -> bool:
    """Whether a person has a second factor."""
    return _confirmed(uow, user_id) is not None


def begin(uow: UnitOfWork, account: str) -> Offer:
    """Offer the actor a new app; it counts once its first code has come, in place of the one before.

    Args:
        account: what the app calls it, such as the e-mail address.
    """
    _forget(uow, _pending(uow))
    factor_id, seed = uuid4(), new_seed()
    uow.session.add(
        Factor(
            id=factor_id,
            user_id=uow.actor.id,
            secret=uow.keys.encrypt(SYSTEM, "factor", factor_id, "secret", 1, seed),
            last_step=0,
            failures=0,
            created_at=uow.now,
            confirmed_at=None,
        )
    )
    return Offer(seed_text(seed), seed_uri(seed, account, ISSUER))


def offered(uow: UnitOfWork, account: str) -> Offer:
    """Return the actor's offer again.

    Raises:
        Conflict: there is none.
    """
    seed = _seed(uow, _demand_pending(uow))
    return Offer(seed_text(seed), seed_uri(seed, account, ISSUER))


def confirm(uow: UnitOfWork, code: str) -> list[str] | None:
    """Let the offered app count from now on; return fresh recovery codes, None: the code is wrong.

    Raises:
        Conflict: no app was offered.
    """
    pending = _demand_pending(uow)
    if not _takes(uow, pending, code):
        return None
    _forget(uow, _confirmed(uow, uow.actor.id))
    pending.confirmed_at = uow.now
    uow.session.flush()
    sessions.pass_second(uow)
    audit.record(uow, Action.FACTOR_ADDED, _target(uow))
    return _make_codes(uow)


def check(uow: UnitOfWork, code: str) -> Proof | None:
    """Prove the actor's second factor with *code*, the app's or a recovery code; the session has passed then.

    A code of the app is good once, also among requests that come together. A wrong one is counted.
    """
    app = _confirmed(uow, uow.actor.id)
    if app is None:
        return None
    if _takes(uow, app, code):
        proof = Proof(None)
    elif _spends(uow, code):
        proof = Proof(len(_codes(uow, uow.actor.id)))
    else:
        _record_failure(uow, app)
        return None
    sessions.pass_second(uow)
    audit.record(uow, Action.FACTOR_PASSED, _target(uow))
    return proof


def renew_codes(uow: UnitOfWork) -> list[str]:
    """Return fresh recovery codes for the actor; those before are worth nothing.

    Raises:
        Conflict: there is no app that they could stand in for.
    """
    if _confirmed(uow, uow.actor.id) is None:
        message = "Set up an authenticator app first."
        raise Conflict(message)
    return _make_codes(uow)


def remove(uow: UnitOfWork) -> None:
    """Take the actor's own second factor away.

    Raises:
        Conflict: this installation wants everybody to have one, or there is none.
    """
    if uow.rules.second_factor:
        message = "Everybody needs a second factor here. You can set up another app in place of this one."
        raise Conflict(message)
    if not remove_of(uow, uow.actor.id, uow.actor.name):
        message = "You have no second factor."
        raise Conflict(message)


def remove_of(uow: UnitOfWork, user_id: UUID, name: str) -> bool:
    """Take a person's second factor and recovery codes away; return whether there was one."""
    apps = uow.session.scalars(select(Factor).where(Factor.user_id == user_id)).all()
    for app in apps:
        _forget(uow, app)
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    if not any(app.confirmed_at for app in apps):
        return False
    audit.record(uow, Action.FACTOR_REMOVED, Target("person", user_id, name))
    return True


def _takes(uow: UnitOfWork, app: Factor, code: str) -> bool:
    if app.failures >= FAILURES_MAX:
        return False
    # Apps show a code in two groups.
    step = matching_step(_seed(uow, app), "".join(code.split()), int(uow.now.timestamp()))
    if step is None:
        return False
    taken = uow.connection.execute(
        queries.TAKE_STEP, {"factor_id": app.id, "step": step, "new_step": step, "none": 0}
    )
    return taken.rowcount == 1


def _record_failure(uow: UnitOfWork, app: Factor) -> None:
    uow.connection.execute(queries.COUNT_FAILURE, {"factor_id": app.id})
    reason = "disabled" if app.failures + 1 >= FAILURES_MAX else "wrong"
    audit.record(uow, Action.FACTOR_FAILED, _target(uow), success=False, extra={"reason": reason})


def _spends(uow: UnitOfWork, typed: str) -> bool:
    read = read_code(typed)
    if read is None:
        return False
    number, letters = read
    left = _codes(uow, uow.actor.id)
    held = next((code for code in left if code.number == number), None)
    if held is None:
        return False
    with uow.runtime.turns.aside():
        good = uow.runtime.hasher.verify_code(letters, held.hash)
    if not good:
        return False
    spent = uow.connection.execute(queries.SPEND_CODE, {"code_id": held.id, "now": uow.now})
    if spent.rowcount != 1:
        return False
    audit.record(uow, Action.RECOVERY_USED, _target(uow), extra={"left": len(left) - 1})
    return True


def _make_codes(uow: UnitOfWork) -> list[str]:
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == uow.actor.id))
    made = [new_code(number) for number in range(1, CODES + 1)]
    with uow.runtime.turns.aside():
        hashes = [uow.runtime.hasher.hash_code(letters_of(code)) for code in made]
    for number, hash_ in enumerate(hashes, start=1):
        uow.session.add(
            RecoveryCode(id=uuid4(), user_id=uow.actor.id, number=number, hash=hash_, used_at=None)
        )
    audit.record(uow, Action.RECOVERY_MADE, _target(uow), extra={"codes": len(made)})
    return made


def _codes(uow: UnitOfWork, user_id: UUID) -> Sequence[RecoveryCode]:
    unused = select(RecoveryCode).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return uow.session.scalars(unused).all()


def _confirmed(uow: UnitOfWork, user_id: UUID) -> Factor | None:
    return uow.session.scalar(
        select(Factor).where(Factor.user_id == user_id, Factor.confirmed_at.is_not(None))
    )


def _pending(uow: UnitOfWork) -> Factor | None:
    return uow.session.scalar(
        select(Factor).where(Factor.user_id == uow.actor.id, Factor.confirmed_at.is_(None))
    )


def _demand_pending(uow: UnitOfWork) -> Factor:
    pending = _pending(uow)
    if pending is None:
        message = "No app is being set up. Begin once more."
        raise Conflict(message)
    return pending


def _forget(uow: UnitOfWork, app: Factor | None) -> None:
    if app is not None:
        uow.session.delete(app)
        uow.session.flush()


def _seed(uow: UnitOfWork, app: Factor) -> bytes:
    return uow.keys.decrypt(SYSTEM, "factor", app.id, "secret", 1, app.secret)


def _target(uow: UnitOfWork) -> Target:
    return Target("person", uow.actor.id, uow.actor.name)
