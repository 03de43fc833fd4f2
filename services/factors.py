"""Second factors: an authenticator app, passkeys, and recovery codes for the day when they are lost.

What concerns passkeys alone stands in ``services/passkeys.py``; whether somebody has a second factor, here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import delete, select

from crypto.authenticator import matching_step, new_seed, seed_text, seed_uri
from crypto.keyring import SYSTEM
from crypto.recovery import CODES, letters_of, new_code, read_code
from errors import Conflict
from models import Action, Factor, Passkey, RecoveryCode
from services import audit, sessions
from services import factor_queries as queries
from services.events import Extra, Target
from services.unit_of_work import UnitOfWork

ISSUER = "Chatelaine"
FAILURES_MAX = 20
"""Wrong codes in a row after which an app counts no more, until it is set up again; passkeys go on."""


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
        passkeys: the oldest first.
        codes: recovery codes that are left.
    """

    app: Factor | None
    passkeys: Sequence[Passkey]
    codes: int

    @property
    def count(self) -> int:
        """How many factors there are; recovery codes are none."""
        return len(self.passkeys) + (self.app is not None)


@dataclass(frozen=True, slots=True)
class Proof:
    """That the second factor was proved.

    Args:
        codes_left: how many recovery codes there are, if it was one of them; None: it was the app.
    """

    codes_left: int | None


def state(uow: UnitOfWork) -> State:
    """Return what the actor has."""
    person = uow.actor.id
    return State(_confirmed(uow, person), _passkeys(uow, person), len(_codes(uow, person)))


def has(uow: UnitOfWork, user_id: UUID) -> bool:
    """Whether a person has a second factor."""
    return bool(uow.connection.execute(queries.HAS, {"user_id": user_id}).scalar_one())


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
    return make_codes(uow)


def check(uow: UnitOfWork, code: str) -> Proof | None:
    """Prove the actor's second factor with *code*, the app's or a recovery code; the session has passed then.

    A code of the app is good once, also among requests that come together. A wrong one is counted.
    """
    if not has(uow, uow.actor.id):
        return None
    app = _confirmed(uow, uow.actor.id)
    if app is not None and _takes(uow, app, code):
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
        Conflict: there is no factor that they could stand in for.
    """
    if not has(uow, uow.actor.id):
        message = "Set up an authenticator app or a passkey first."
        raise Conflict(message)
    return make_codes(uow)


def remove_app(uow: UnitOfWork) -> None:
    """Take the actor's own authenticator app away.

    Raises:
        Conflict: there is none, or it is the last factor where everybody must have one.
    """
    app = _confirmed(uow, uow.actor.id)
    if app is None:
        message = "You have no authenticator app."
        raise Conflict(message)
    check_removable(uow)
    _forget(uow, app)
    audit.record(uow, Action.FACTOR_REMOVED, _target(uow))
    tidy(uow)


def check_removable(uow: UnitOfWork) -> None:
    """Let the actor take away one of their factors.

    Raises:
        Conflict: it is the last one, and this installation wants everybody to have one.
    """
    if uow.rules.second_factor and state(uow).count == 1:
        message = "Everybody needs a second factor here, and this is your last one. Set up another first."
        raise Conflict(message)


def tidy(uow: UnitOfWork) -> None:
    """Take the actor's recovery codes away with their last factor."""
    uow.session.flush()
    if not has(uow, uow.actor.id):
        uow.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == uow.actor.id))


def remove_of(uow: UnitOfWork, user_id: UUID, name: str) -> bool:
    """Take all second factors and recovery codes of a person away; return whether there was a factor."""
    apps = uow.session.scalars(select(Factor).where(Factor.user_id == user_id)).all()
    passkeys = _passkeys(uow, user_id)
    for table in (Factor, Passkey, RecoveryCode):
        uow.session.execute(delete(table).where(table.user_id == user_id))
    gone: list[Extra] = [{"kind": "app"} for app in apps if app.confirmed_at]
    gone += [{"kind": "passkey", "name": passkey.name} for passkey in passkeys]
    for extra in gone:
        audit.record(uow, Action.FACTOR_REMOVED, Target("person", user_id, name), extra=extra)
    return bool(gone)


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


def _record_failure(uow: UnitOfWork, app: Factor | None) -> None:
    reason = "wrong"
    if app is not None:
        uow.connection.execute(queries.COUNT_FAILURE, {"factor_id": app.id})
        reason = "disabled" if app.failures + 1 >= FAILURES_MAX else reason
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


def make_codes(uow: UnitOfWork) -> list[str]:
    """Give the actor fresh recovery codes in place of those before."""
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


def _passkeys(uow: UnitOfWork, user_id: UUID) -> Sequence[Passkey]:
    return uow.session.scalars(
        select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.created_at, Passkey.id)
    ).all()


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
