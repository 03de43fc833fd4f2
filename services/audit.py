"""Recording what happens. Whoever changes or reveals something records it here, in the same transaction."""

from __future__ import annotations

from models import Action
from services.events import Extra, Target, make_event
from services.unit_of_work import UnitOfWork


def record(
    uow: UnitOfWork,
    action: Action,
    target: Target,
    *,
    success: bool = True,
    extra: Extra | None = None,
) -> None:
    """Add an event to the unit of work; it becomes durable when the unit is finished.

    Args:
        extra: small plain facts; never a secret value.
    """
    uow.events.append(
        make_event(
            uow.actor,
            uow.origin,
            action,
            target,
            organization_id=uow.actor.organization_id,
            success=success,
            extra=extra or {},
        )
    )
