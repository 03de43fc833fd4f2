"""Programs that come with an API token that opens nothing."""

from __future__ import annotations

import dataclasses
import logging

from crypto.tokens import ParsedToken
from models import Action
from policy import NOBODY
from services import actor_queries as queries
from services import audit
from services.events import Target
from services.unit_of_work import UnitOfWork

log = logging.getLogger("chatelaine.signin")


def record_refusal(uow: UnitOfWork, token: ParsedToken) -> None:
    """Record that *token* was presented and opened nothing, where its organization can see it."""
    # The line that log watchers such as fail2ban look for.
    log.warning("FAILED LOGIN from %s", uow.origin.address)
    row = uow.connection.execute(queries.FIND_TOKEN, {"lookup_id": token.lookup_id}).one_or_none()
    uow.actor = dataclasses.replace(NOBODY, organization_id=row.organization_id if row else None)
    target = Target("token", row.id if row else None, token.lookup_id)
    audit.record(uow, Action.SIGNIN_FAILED, target, success=False, extra={"kind": token.kind})
