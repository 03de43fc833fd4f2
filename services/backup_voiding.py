"""What a restored database must not honor: things that are good once, and may have been used since."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, delete, exists, or_, select, update

from crypto.authenticator import PERIOD
from models import Factor, Invitation, PasskeyChallenge, RecoveryCode, SsoAttempt, User, UserSession
from services.unit_of_work import UnitOfWork


def void(uow: UnitOfWork) -> Mapping[str, int]:
    """Void every open link, recovery code and question, and end every session; return how many of each.

    A code of an authenticator app that may have been taken before is taken no more: only those of the time
    steps to come are.
    """
    step = int(uow.now.timestamp()) // PERIOD
    statements = {
        "links": update(Invitation)
        .where(Invitation.used_at.is_(None), Invitation.revoked_at.is_(None), _is_not_the_only_way_in())
        .values(revoked_at=uow.now),
        "codes": update(RecoveryCode).where(RecoveryCode.used_at.is_(None)).values(used_at=uow.now),
        "apps": update(Factor).where(Factor.last_step < step).values(last_step=step),
        "challenges": delete(PasskeyChallenge),
        "sign_ons": delete(SsoAttempt),
        "sessions": delete(UserSession),
    }
    uow.session.flush()
    return {name: uow.connection.execute(statement).rowcount for name, statement in statements.items()}


def _is_not_the_only_way_in() -> ColumnElement[bool]:
    """Spare the first owner's link while there is nobody: whom it has let in since is lost with the rest."""
    return or_(Invitation.operator.is_(False), exists(select(User.id)))
