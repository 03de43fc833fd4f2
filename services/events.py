"""Audit events as plain values, from the moment they are recorded until they are appended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from models import Action
from policy import Actor

SYSTEM_CHAIN = UUID(int=0)

_PATH_MAX = 500
_AGENT_MAX = 300

ExtraValue = str | int | float | bool | None | list[str] | list[int]
Extra = Mapping[str, ExtraValue]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from."""

    address: str = ""
    agent: str = ""
    method: str = ""
    path: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What an event is about.

    Args:
        name: what people call it; ends up encrypted.
    """

    type: str
    id: UUID | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact, ready to be appended to its chain: ``payload`` is the JSON that will be encrypted."""

    chain_id: UUID
    action: Action
    actor_id: UUID
    target_type: str
    target_id: UUID | None
    success: bool
    payload: bytes


def make_event(
    actor: Actor,
    origin: Origin,
    action: Action,
    target: Target,
    *,
    organization_id: UUID | None,
    success: bool,
    extra: Extra,
) -> Event:
    """Put an event together. The plain columns are repeated in the payload, so that changing one is found."""
    payload = {
        "action": action.value,
        "actor_id": str(actor.id),
        "actor": actor.name,
        "actor_kind": actor.kind.value,
        "token_id": str(actor.token_id) if actor.token_id else None,
        "target_type": target.type,
        "target_id": str(target.id) if target.id else None,
        "target": target.name,
        "success": success,
        "organization": str(organization_id) if organization_id else None,
        "address": origin.address,
        "agent": origin.agent[:_AGENT_MAX],
        "method": origin.method,
        "path": origin.path[:_PATH_MAX],
        "request": origin.request_id,
        "extra": dict(extra),
    }
    return Event(
        chain_id=organization_id or SYSTEM_CHAIN,
        action=action,
        actor_id=actor.id,
        target_type=target.type,
        target_id=target.id,
        success=success,
        payload=json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "backslashreplace"
        ),
    )
