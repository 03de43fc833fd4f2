"""Tokens that programs make, look up, renew and revoke by themselves: ``auth/token``."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from flask import request
from flask.typing import ResponseReturnValue

from blueprints import lease_answers as told
from blueprints import vault_answers as answers
from blueprints.guard import requires
from blueprints.requests import current_uow
from errors import Invalid
from policy import Permission
from services import token_leases, token_roles
from services.token_leases import Leased

bp = answers.blueprint("auth_tokens")

_BAD = "bad token"
_NO_ACCESSOR = "invalid accessor"


@bp.route("/auth/token/create", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True, limit=answers.MADE, counted_as="tokens")
def create() -> ResponseReturnValue:
    """Make a token, narrower than the one that makes it or as wide."""
    return told.auth(token_leases.create(current_uow(), told.terms(answers.body())))


@bp.route("/auth/token/create-orphan", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True, limit=answers.MADE, counted_as="tokens")
def create_orphan() -> ResponseReturnValue:
    """Make a token that does not end with the one that makes it."""
    terms = replace(told.terms(answers.body()), orphan=True, path="auth/token/create-orphan")
    return told.auth(token_leases.create(current_uow(), terms))


@bp.route("/auth/token/create/<role>", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True, limit=answers.MADE, counted_as="tokens")
def create_by_role(role: str) -> ResponseReturnValue:
    """Make a token under a role's terms."""
    uow = current_uow()
    terms = token_roles.terms_of(token_roles.find(uow, role), told.terms(answers.body()))
    return told.auth(token_leases.create(uow, terms))


@bp.get("/auth/token/lookup-self")
@requires(Permission.TOKEN_SELF, program=True)
def look_up_self() -> ResponseReturnValue:
    """Tell a token about itself."""
    return told.about(_own())


@bp.route("/auth/token/lookup-self", methods=answers.WRITES)
@requires(Permission.TOKEN_SELF, program=True, writes=False)
def look_up_self_too() -> ResponseReturnValue:
    """The same, for clients that post."""
    return told.about(_own())


@bp.route("/auth/token/lookup", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True, writes=False)
def look_up() -> ResponseReturnValue:
    """Tell about a token whose text is shown."""
    found = _shown()
    return told.about(found) if found else answers.failed(HTTPStatus.FORBIDDEN, _BAD)


@bp.route("/auth/token/lookup-accessor", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True, writes=False)
def look_up_accessor() -> ResponseReturnValue:
    """Tell about a token that was made with this one, by its accessor."""
    return told.about(_by_accessor())


@bp.route("/auth/token/renew-self", methods=answers.WRITES)
@requires(Permission.TOKEN_SELF, program=True)
def renew_self() -> ResponseReturnValue:
    """Let a token live on."""
    return told.auth(token_leases.renew(current_uow(), _own(), _increment()))


@bp.route("/auth/token/renew", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def renew() -> ResponseReturnValue:
    """Let a token live on whose text is shown."""
    found = _shown()
    if found is None:
        raise Invalid("token not found")
    return told.auth(token_leases.renew(current_uow(), found, _increment()))


@bp.route("/auth/token/renew-accessor", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def renew_accessor() -> ResponseReturnValue:
    """Let a token live on that was made with this one."""
    return told.auth(token_leases.renew(current_uow(), _by_accessor(), _increment()))


@bp.route("/auth/token/revoke-self", methods=answers.WRITES)
@requires(Permission.TOKEN_SELF, program=True)
def revoke_self() -> ResponseReturnValue:
    """End a token, and what was made with it."""
    token_leases.revoke(current_uow(), _own())
    return answers.nothing()


@bp.route("/auth/token/revoke", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def revoke() -> ResponseReturnValue:
    """End a token whose text is shown; one that is none is ended already."""
    found = _shown()
    if found is not None:
        token_leases.revoke(current_uow(), found)
    return answers.nothing()


@bp.route("/auth/token/revoke-orphan", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def revoke_orphan() -> ResponseReturnValue:
    """End a token whose text is shown; what was made with it lives on."""
    found = _shown()
    if found is not None:
        token_leases.revoke(current_uow(), found, orphans=True)
    return answers.nothing()


@bp.route("/auth/token/revoke-accessor", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def revoke_accessor() -> ResponseReturnValue:
    """End a token that was made with this one."""
    found = token_leases.by_accessor(current_uow(), str(answers.body().get("accessor", "")))
    if found is None:
        return answers.envelope(warnings=["No token found with this accessor"])
    token_leases.revoke(current_uow(), found)
    return answers.nothing()


@bp.route("/auth/token/accessors", methods=["LIST"])
@requires(Permission.TOKENS_MINT, program=True)
def accessors() -> ResponseReturnValue:
    """List the tokens that were made with this one, and itself."""
    return answers.keys([str(each.token.id) for each in token_leases.reached(current_uow())])


@bp.get("/auth/token/accessors")
@requires(Permission.TOKENS_MINT, program=True)
def accessors_too() -> ResponseReturnValue:
    """The same, for clients that ask with ``list=true``."""
    found = token_leases.reached(current_uow()) if answers.wants_list() else []
    return answers.keys([str(each.token.id) for each in found])


@bp.route("/auth/token/roles", methods=["LIST"])
@requires(Permission.TOKENS_MINT, program=True)
def roles() -> ResponseReturnValue:
    """List the roles of the token's owner."""
    return answers.keys([role.name for role in token_roles.every(current_uow())])


@bp.get("/auth/token/roles/<role>")
@requires(Permission.TOKENS_MINT, program=True)
def show_role(role: str) -> ResponseReturnValue:
    """Describe a role."""
    found = next((each for each in token_roles.every(current_uow()) if each.name == role), None)
    if found is None:
        return answers.missing()
    return answers.envelope(
        {
            "name": found.name,
            "allowed_policies": found.profiles.split(),
            "orphan": found.orphan,
            "renewable": found.renewable,
            "path_suffix": found.path_suffix,
            "token_period": found.period,
            "token_explicit_max_ttl": found.seconds_max,
            "token_type": "default-service",
        }
    )


@bp.route("/auth/token/roles/<role>", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def save_role(role: str) -> ResponseReturnValue:
    """Make a role, or change it."""
    sent = answers.body()
    token_roles.save(
        current_uow(),
        role,
        told.names(sent.get("allowed_policies") or []),
        orphan=answers.flag(sent.get("orphan") or False, "orphan"),
        renewable=answers.flag(sent.get("renewable", True), "renewable"),
        path_suffix=str(sent.get("path_suffix") or ""),
        period=told.positive(sent.get("token_period") or sent.get("period") or 0, "token_period"),
        seconds_max=told.positive(
            sent.get("token_explicit_max_ttl") or sent.get("explicit_max_ttl") or 0, "token_explicit_max_ttl"
        ),
    )
    return answers.nothing()


@bp.delete("/auth/token/roles/<role>")
@requires(Permission.TOKENS_MINT, program=True)
def delete_role(role: str) -> ResponseReturnValue:
    """Delete a role."""
    token_roles.delete(current_uow(), role)
    return answers.nothing()


def _own() -> Leased:
    return replace(token_leases.own(current_uow()), text=_presented())


def _presented() -> str:
    """Return the text that the guard has let in."""
    return request.headers.get("X-Vault-Token") or request.headers.get("Authorization", "").partition(" ")[2]


def _shown() -> Leased | None:
    return token_leases.by_text(current_uow(), str(answers.body().get("token", "")))


def _by_accessor() -> Leased:
    found = token_leases.by_accessor(current_uow(), str(answers.body().get("accessor", "")))
    if found is None:
        raise Invalid(_NO_ACCESSOR)
    return found


def _increment() -> int:
    return told.positive(answers.body().get("increment") or 0, "increment")
