"""A program's own token, and the narrower ones that it makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from blueprints.api import CURSOR, LIMIT, SPEED, Operation, bp, describes, part_of, sent
from blueprints.guard import requires
from blueprints.requests import current_program, current_uow
from crypto.tokens import parse_token
from forms import api_others as shapes
from models import AccessToken
from policy import Permission, Scope
from services import api_tokens, token_list, tokens
from services.token_limits import Limits, read_names, read_networks


@bp.get("/tokens/self")
@requires(Permission.TOKEN_SELF, limit=SPEED, program=True)
@describes(
    Operation("Look at the token that is used", "This is a use, as any other.", answer=shapes.TOKEN_SELF)
)
def show_self() -> ResponseReturnValue:
    uow, program = current_uow(), current_program()
    line = token_list.family(uow, tokens.find(uow, program.token_id)).line
    limits = program.limits
    return jsonify(
        **_told(line),
        organization=program.organization_slug,
        owner=line.owner,
        vaults=sorted(map(str, limits.vaults)) if limits.vaults is not None else None,
        names=limits.names,
        networks=[str(network) for network in limits.networks],
        not_before=limits.not_before.isoformat() if limits.not_before else None,
        uses=limits.uses,
        per_minute=limits.per_minute,
    )


@bp.delete("/tokens/self")
@requires(Permission.TOKEN_SELF, limit=SPEED, program=True)
@describes(Operation("Revoke the token that is used", "With all that it made.", status=204))
def revoke_self() -> ResponseReturnValue:
    uow = current_uow()
    tokens.revoke(uow, tokens.find(uow, current_program().token_id))
    return Response(status=204)


@bp.get("/tokens")
@requires(Permission.TOKENS_MINT, limit=SPEED, program=True)
@describes(
    Operation("List the tokens that this one has made", query={**CURSOR, **LIMIT}, answer=shapes.TOKENS)
)
def list_tokens() -> ResponseReturnValue:
    uow = current_uow()
    family = token_list.family(uow, tokens.find(uow, current_program().token_id))
    page, following = part_of(family.children, lambda line: line.id)
    return jsonify(tokens=[_told(line) for line in page], next=following)


@bp.post("/tokens")
@requires(Permission.TOKENS_MINT, limit=SPEED, program=True)
@describes(
    Operation(
        "Make a narrower token",
        "It acts for the same owner, reaches no further in anything, and ends with this one.",
        body=shapes.NEW_TOKEN,
        answer=shapes.MADE_TOKEN,
        status=201,
    )
)
def mint_token() -> ResponseReturnValue:
    told = sent()
    scopes = [Scope(scope) for scope in told["scopes"]]
    lasts = timedelta(seconds=told["seconds"])
    minted = api_tokens.mint(current_uow(), told["name"], scopes, lasts, limits=_limits(told))
    parsed = parse_token(minted.text)
    return jsonify(
        id=minted.id,
        handle=parsed.lookup_id if parsed else "",
        token=minted.text,
        expires_at=minted.expires_at.isoformat(),
    ), 201


@bp.delete("/tokens/<uuid:token_id>")
@requires(Permission.TOKENS_REVOKE, AccessToken, limit=SPEED, program=True)
@describes(
    Operation(
        "Revoke a token that this one has made",
        "By itself, or by those that it made.",
        status=204,
        also=(404, 409),
    )
)
def revoke_token(token: AccessToken) -> ResponseReturnValue:
    uow = current_uow()
    tokens.revoke(uow, api_tokens.find_child(uow, token.id))
    return Response(status=204)


def _limits(told: dict[str, Any]) -> Limits:
    begins = told.get("not_before")
    return Limits(
        vaults=frozenset(map(UUID, told["vaults"])) if told.get("vaults") else None,
        names=read_names(told.get("names", ())),
        networks=read_networks(told.get("networks", ())),
        not_before=_aware(datetime.fromisoformat(begins)) if begins else None,
        uses=told.get("uses"),
        per_minute=told.get("per_minute"),
    )


def _aware(moment: datetime) -> datetime:
    """Take a time without a zone for one of UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _told(line: token_list.TokenLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "handle": line.handle,
        "name": line.name,
        "scopes": line.scopes,
        "state": line.state.value,
        "created_at": line.created_at.isoformat(),
        "expires_at": line.expires_at.isoformat(),
    }
