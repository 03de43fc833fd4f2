"""Secret ids: the secret half of what a program shows to come in by a role. Each is shown once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select

from crypto.tokens import encode_session_id, new_session_id
from errors import Invalid
from models import Action, AppRole, SecretId
from services import app_role_queries as queries
from services import audit, token_limits
from services.app_roles import demand_lasting, settings_of
from services.events import Target
from services.prepared import run
from services.token_limits import Limits
from services.unit_of_work import UnitOfWork

KIND = "secret-id"
LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Made:
    """A new secret id; its text is shown once and stored nowhere."""

    row: SecretId
    text: str = field(repr=False)


def digest_of(uow: UnitOfWork, role_id: UUID, text: str) -> bytes:
    """Return what is stored of a secret id."""
    return uow.keys.token_digest(KIND, role_id.hex, text.encode())


def make(
    uow: UnitOfWork,
    role: AppRole,
    *,
    text: str | None = None,
    metadata: Mapping[str, str],
    networks: Sequence[str] = (),
    token_networks: Sequence[str] = (),
    uses: int | None = None,
    seconds: int | None = None,
) -> Made:
    """Make a secret id for a role.

    Args:
        text: None: a random one is made.
        uses: 0: as often as one likes; None: as the role says.
        seconds: 0: for good; None: as the role says.

    Raises:
        Invalid: something about it cannot be kept.
        Denied: its tokens could be used from elsewhere than the role's, or the actor's token does not last.
    """
    demand_lasting(uow)
    run(uow.connection, queries.FORGET, {"organization_id": uow.organization_id, "now": uow.now})
    settings = settings_of(role)
    uses = settings.secret_uses if uses is None else uses
    seconds = settings.secret_seconds if seconds is None else seconds
    text = encode_session_id(new_session_id()) if text is None else text
    if not 0 < len(text) <= LONGEST or not 0 <= uses <= token_limits.USES_MAX:
        raise Invalid("secret_id or num_uses cannot be used")
    bound = token_limits.read_networks(token_networks)
    if bound:
        # A secret id binds its tokens closer than the role does, and never less.
        of_role = token_limits.read_networks(settings.token_networks)
        token_limits.demand_narrower(Limits(networks=of_role), Limits(networks=bound))
    digest = digest_of(uow, role.id, text)
    held = select(SecretId.id).where(SecretId.role_id == role.id, SecretId.digest == digest)
    if uow.session.scalar(held) is not None:
        raise Invalid("SecretID is already registered")
    row = SecretId(
        id=uuid4(),
        organization_id=uow.organization_id,
        role_id=role.id,
        digest=digest,
        metadata_=json.dumps(dict(metadata), ensure_ascii=False),
        networks=" ".join(map(str, token_limits.read_networks(networks))),
        token_networks=" ".join(map(str, bound)),
        uses_max=uses,
        uses_left=uses or None,
        seconds=seconds,
        created_at=uow.now,
        expires_at=uow.now + timedelta(seconds=seconds) if seconds else None,
    )
    uow.session.add(row)
    uow.session.flush()
    audit.record(
        uow, Action.SECRET_ID_CREATED, target_of(role, row), extra={"uses": uses, "seconds": seconds}
    )
    return Made(row, text)


def living(uow: UnitOfWork, role: AppRole) -> list[SecretId]:
    """Return the secret ids of a role that can still be used."""
    rows = uow.session.scalars(select(SecretId).where(SecretId.role_id == role.id))
    return [
        row for row in rows if row.uses_left != 0 and (row.expires_at is None or row.expires_at > uow.now)
    ]


def by_text(uow: UnitOfWork, role: AppRole, text: str) -> SecretId | None:
    """Return a living secret id by its text; None: there is none."""
    digest = digest_of(uow, role.id, text)
    return next((row for row in living(uow, role) if row.digest == digest), None)


def by_accessor(uow: UnitOfWork, role: AppRole, accessor: str) -> SecretId | None:
    """Return a living secret id by its accessor; None: there is none."""
    return next((row for row in living(uow, role) if str(row.id) == accessor), None)


def destroy(uow: UnitOfWork, role: AppRole, row: SecretId) -> None:
    """End a secret id; tokens that were made with it live on."""
    audit.record(uow, Action.SECRET_ID_DESTROYED, target_of(role, row))
    uow.session.delete(row)
    uow.session.flush()


def target_of(role: AppRole, row: SecretId) -> Target:
    """Name a secret id for the audit log: by its role and its accessor."""
    return Target("secret-id", row.id, f"{role.name} ({row.id.hex[:8]})")
