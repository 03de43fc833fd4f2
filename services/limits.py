"""How much an organization may hold, as the operator has decided: people, vaults, credentials."""

from __future__ import annotations

from errors import Conflict
from services import organization_queries as queries
from services.prepared import fetch_one
from services.unit_of_work import UnitOfWork

PEOPLE, VAULTS, ITEMS = ("person", "people"), ("vault", "vaults"), ("credential", "credentials")
"""What one and several are called."""


def demand_place(uow: UnitOfWork, *, invited: str | None = None) -> None:
    """Refuse one more person where there are as many as there may be.

    Args:
        invited: an e-mail address that a link is made for; the other open links count as people then.

    Raises:
        Conflict: the organization is full.
    """
    limit = _limits(uow).people_max
    if limit is None:
        return
    here = {"organization_id": uow.organization_id}
    _flush(uow)
    count = fetch_one(uow.connection, queries.COUNT_PEOPLE, here).count
    if invited is not None:
        asked = here | {"email": invited, "now": uow.now}
        count += fetch_one(uow.connection, queries.COUNT_LINKS, asked).count
    _demand(count, limit, PEOPLE)


def demand_vault(uow: UnitOfWork) -> None:
    """Refuse one more vault where there are as many as there may be.

    Raises:
        Conflict: the organization is full.
    """
    limit = _limits(uow).vaults_max
    if limit is not None:
        here = {"organization_id": uow.organization_id}
        _demand(fetch_one(uow.connection, queries.COUNT_VAULTS, here).count, limit, VAULTS)


def demand_item(uow: UnitOfWork) -> None:
    """Refuse one more credential where there are as many as there may be; those in the trash count.

    Raises:
        Conflict: the organization is full.
    """
    limit = _limits(uow).items_max
    if limit is not None:
        here = {"organization_id": uow.organization_id}
        _demand(fetch_one(uow.connection, queries.COUNT_ITEMS, here).count, limit, ITEMS)


def _limits(uow: UnitOfWork) -> queries.Limits:
    found: queries.Limits = fetch_one(
        uow.connection, queries.LIMITS, {"organization_id": uow.organization_id}
    )
    return found


def _flush(uow: UnitOfWork) -> None:
    """Prepared statements see what is in the database, not what the session still holds."""
    uow.session.flush()


def _demand(count: int, limit: int, what: tuple[str, str]) -> None:
    if count >= limit:
        most = f"This organization may have {limit:,} {what[limit > 1]}."
        message = f"{most} Ask the operator of this installation for more."
        raise Conflict(message)
