"""What clients are told of a token, and how they say what they want of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response

from blueprints import vault_answers as answers
from blueprints.requests import current_uow
from errors import Invalid
from services.token_leases import Leased, Terms


def auth(made: Leased) -> Response:
    """Answer with a token that was made or renewed."""
    lease = made.lease
    return answers.envelope(
        auth={
            "client_token": made.text or "",
            "accessor": str(made.token.id),
            "policies": made.profiles,
            "token_policies": made.profiles,
            "metadata": _metadata(made),
            "lease_duration": _left(made),
            "renewable": bool(lease and lease.renewable),
            "entity_id": "",
            "token_type": "service",
            "orphan": made.token.parent_id is None,
            "mfa_requirement": None,
            "num_uses": made.token.uses_left or 0,
        }
    )


def about(found: Leased) -> Response:
    """Answer with everything about a token."""
    token, lease = found.token, found.lease
    told: dict[str, Any] = {
        "id": found.text or "",
        "accessor": str(token.id),
        "policies": found.profiles,
        "path": lease.path if lease else "auth/token/create",
        "meta": _metadata(found),
        "display_name": token.name,
        "num_uses": token.uses_left or 0,
        "orphan": token.parent_id is None,
        "creation_time": int(token.created_at.timestamp()),
        "creation_ttl": lease.seconds
        if lease
        else round((token.expires_at - token.created_at).total_seconds()),
        "expire_time": answers.time(token.expires_at),
        "issue_time": answers.time(token.created_at),
        "ttl": _left(found),
        "explicit_max_ttl": lease.seconds_max if lease else 0,
        "entity_id": "",
        "type": "service",
        "renewable": bool(lease and lease.renewable),
    }
    if lease and lease.period:
        told["period"] = lease.period
    if lease and lease.role:
        told["role"] = lease.role
    if token.networks:
        told["bound_cidrs"] = token.networks.split()
    if lease and lease.renewed_at:
        told["last_renewal"] = answers.time(lease.renewed_at)
        told["last_renewal_time"] = int(lease.renewed_at.timestamp())
    return answers.envelope(told)


def _metadata(found: Leased) -> Any:
    return json.loads(found.lease.metadata_) if found.lease and found.lease.metadata_ else None


def _left(found: Leased) -> int:
    """Round up: a client that was promised 300 seconds is told so."""
    left = (found.token.expires_at - current_uow().now).total_seconds()
    return max(0, round(left))


def terms(sent: Mapping[str, Any]) -> Terms:
    """Read how a token is wanted.

    Raises:
        Invalid: something is not as it must be, or is not offered here.
    """
    if sent.get("id"):
        raise Invalid("The texts of tokens are made here; id cannot be chosen.")
    if sent.get("type") not in {None, "", "service", "default"}:
        raise Invalid("Tokens here are of the type service.")
    uses = answers.number(sent.get("num_uses") or 0, "num_uses")
    return Terms(
        profiles=names(sent["policies"]) if sent.get("policies") else None,
        plain=answers.flag(sent.get("no_default_policy") or False, "no_default_policy"),
        seconds=positive(sent.get("ttl") or sent.get("lease") or 0, "ttl"),
        seconds_max=positive(sent.get("explicit_max_ttl") or 0, "explicit_max_ttl"),
        period=positive(sent.get("period") or 0, "period"),
        renewable=answers.flag(sent.get("renewable", True), "renewable"),
        orphan=answers.flag(sent.get("no_parent") or False, "no_parent"),
        uses=uses or None,
        display_name=f"token-{sent['display_name']}" if sent.get("display_name") else "token",
        metadata=texts(sent.get("meta"), "meta"),
    )


def names(sent: Any) -> list[str]:
    """Read names, as a list or separated by commas.

    Raises:
        Invalid: they are neither.
    """
    listed = sent.split(",") if isinstance(sent, str) else sent
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise Invalid("Names are a list of texts, or a text with commas.")
    return [name.strip() for name in listed if name.strip()]


def positive(sent: Any, what: str) -> int:
    """Read a duration that is not negative.

    Raises:
        Invalid: it is none.
    """
    found = answers.seconds(sent, what)
    if found < 0:
        raise Invalid(f"{what} is not negative")
    return found


def texts(sent: Any, what: str) -> dict[str, str]:
    """Read an object of texts, also one that is written as a text itself.

    Raises:
        Invalid: it is none, or a large one.
    """
    if isinstance(sent, str) and sent:
        try:
            sent = json.loads(sent)
        except ValueError:
            raise Invalid(f"{what} is a JSON object of texts") from None
    if not sent:
        return {}
    if not isinstance(sent, dict) or len(json.dumps(sent)) > 4096:  # noqa: PLR2004 - characters
        raise Invalid(f"{what} is a JSON object of texts, of at most 4096 characters")
    if not all(isinstance(value, str) for value in sent.values()):
        raise Invalid(f"{what} is a JSON object of texts")
    return sent
