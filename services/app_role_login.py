"""Coming in by a role and a secret id: nobody is known until both have been looked at."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import Any

from errors import Invalid
from models import Action
from policy import NOBODY, Actor, ActorKind, Role
from services import app_role_queries as queries
from services import audit, profiles, token_leases, token_limits
from services.app_roles import LONGEST, Settings
from services.events import Target
from services.prepared import fetch, fetch_one, run
from services.profiles import DEFAULT, Extent
from services.secret_ids import digest_of
from services.token_leases import Leased, Terms
from services.token_limits import Limits, lets_in, read_networks
from services.unit_of_work import UnitOfWork

WRONG = "invalid role or secret ID"
USUAL = 32 * 24 * 60 * 60
"""Seconds that a token lasts where the role does not say."""

log = logging.getLogger("chatelaine.signin")


def log_in(uow: UnitOfWork, path: str, role_id: str, secret_id: str, *, slug: str = "") -> Leased:
    """Return a new token for a program that shows both halves.

    Args:
        slug: the organization that is meant; empty: whichever they belong to.

    Raises:
        Invalid: they do not belong together, or not now, or not from here; recorded where the role is known.
    """
    found = _find(uow, path, role_id, secret_id, slug)
    if found is None:
        log.warning("FAILED LOGIN from %s", uow.origin.address)
        raise Invalid(WRONG)
    role, secret = found
    settings = Settings(**json.loads(role.settings))
    uow.act_as(dataclasses.replace(NOBODY, organization_id=role.organization_id))
    refusal = _refusal(uow, role, settings, secret)
    if refusal is not None:
        _record_refusal(uow, role, refusal)
        raise Invalid(refusal)
    uow.act_as(
        Actor(
            ActorKind.TOKEN,
            role.owner_id,
            f"{role.owner_name} ({role.path}/{role.name})",
            organization_id=role.organization_id,
            role=Role(role.place),
        )
    )
    return _make(uow, role, settings, secret)


def _find(uow: UnitOfWork, path: str, role_id: str, secret_id: str, slug: str) -> tuple[Any, Any] | None:
    """Return the role and the secret id that belong together; where a role wants none, None for that."""
    asked = {"path": path.strip("/"), "role_id": role_id}
    known = [role for role in fetch(uow.connection, queries.FIND, asked) if slug in {"", role.slug}]
    for role in known:
        uow.use_keys(role.key_generation)
        digest = digest_of(uow, role.id, secret_id)
        secret = fetch_one(uow.connection, queries.FIND_SECRET, {"role": role.id, "digest": digest})
        if secret is not None or not json.loads(role.settings)["bind_secret_id"]:
            return role, secret
    if len(known) == 1:
        uow.act_as(dataclasses.replace(NOBODY, organization_id=known[0].organization_id))
        _record_refusal(uow, known[0], WRONG)
    return None


def _refusal(uow: UnitOfWork, role: Any, settings: Settings, secret: Any) -> str | None:
    if role.closed or role.disabled_at is not None:
        return WRONG
    if secret is not None and secret.expires_at is not None and secret.expires_at <= uow.now:
        return WRONG
    address = uow.origin.address
    unauthorized = f'source address "{address}" unauthorized through CIDR restrictions on the'
    if secret is not None and not lets_in(read_networks(secret.networks.split()), address):
        return f"{unauthorized} secret ID"
    if not lets_in(read_networks(settings.networks), address):
        return f"{unauthorized} role"
    if secret is not None and secret.uses_left is not None:
        spent = {"own_id": secret.id, "own_organization_id": role.organization_id}
        if run(uow.connection, queries.CHARGE, spent) != 1:
            return WRONG
    return None


def _make(uow: UnitOfWork, role: Any, settings: Settings, secret: Any) -> Leased:
    names = sorted({*settings.profiles, *([] if settings.plain else [DEFAULT])})
    extent = profiles.resolve(uow, settings.profiles)
    networks = secret.token_networks.split() if secret is not None and secret.token_networks else []
    limits = Limits(
        extent.limits.vaults,
        extent.limits.names,
        read_networks(networks or settings.token_networks),
        uses=settings.token_uses or None,
        per_minute=settings.per_minute or None,
    )
    metadata = {**(json.loads(secret.about) if secret is not None else {}), "role_name": role.name}
    wanted = settings.token_period or settings.token_seconds or role.seconds_usual or USUAL
    caps = list(filter(None, (settings.token_seconds_max, settings.token_explicit_max, role.seconds_max)))
    terms = Terms(
        profiles=names,
        seconds_max=min(caps, default=0),
        period=settings.token_period,
        display_name=f"{role.path} {role.name}",
        metadata=metadata,
        path=f"auth/{role.path}/login",
    )
    seconds = min(wanted, LONGEST, *caps)
    token_limits.check(uow, limits, uow.now)
    return token_leases.store(uow, terms, names, Extent(extent.scopes, limits), seconds, role.owner_id, None)


def _record_refusal(uow: UnitOfWork, role: Any, reason: str) -> None:
    target = Target("role", role.id, role.name)
    audit.record(
        uow, Action.SIGNIN_FAILED, target, success=False, extra={"kind": "approle", "reason": reason}
    )
