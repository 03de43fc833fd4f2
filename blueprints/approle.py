"""Coming in by a role and a secret id, and looking after roles: ``auth/<mount>``."""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue

from blueprints import lease_answers as told
from blueprints import vault_answers as answers
from blueprints.guard import public, requires
from blueprints.program_access import namespace
from blueprints.requests import current_uow
from errors import Invalid, TooManyRequests
from extensions import address, limiter, rate
from models import SecretId
from policy import Permission
from services import app_role_login, app_roles, secret_ids
from services.app_roles import Settings

bp = answers.blueprint("approle")

LOGINS = "RATE_APPROLE"
"""From one address, good and bad ones."""
_NEVER = "0001-01-01T00:00:00Z"
_LISTS = {
    "token_policies": "profiles",
    "secret_id_bound_cidrs": "networks",
    "token_bound_cidrs": "token_networks",
}
_OLD = {
    "policies": "token_policies",
    "bound_cidr_list": "secret_id_bound_cidrs",
    "period": "token_period",
}
_DURATIONS = {
    "secret_id_ttl": "secret_seconds",
    "token_ttl": "token_seconds",
    "token_max_ttl": "token_seconds_max",
    "token_explicit_max_ttl": "token_explicit_max",
    "token_period": "token_period",
}
_NUMBERS = {"secret_id_num_uses": "secret_uses", "token_num_uses": "token_uses"}
_FLAGS = {"token_no_default_policy": "plain", "bind_secret_id": "bind_secret_id"}


@bp.route("/auth/<path:mount>/login", methods=answers.WRITES)
@public(writes=True, anonymous=True)
def log_in(mount: str) -> ResponseReturnValue:
    """Give a token to a program that shows a role id and a secret id."""
    limit = rate(LOGINS)
    if not limiter.hit(limit, address(), "approle"):
        raise TooManyRequests(limit.get_expiry())
    sent = answers.body()
    if not sent.get("role_id"):
        message = "missing role_id"
        raise Invalid(message)
    secret_id = str(sent.get("secret_id") or "")
    made = app_role_login.log_in(current_uow(), mount, str(sent["role_id"]), secret_id, slug=namespace())
    return told.auth(made)


@bp.route("/auth/<path:mount>/role", methods=["LIST"])
@requires(Permission.TOKENS_MINT, program=True)
def roles(mount: str) -> ResponseReturnValue:
    """List the roles of the token's owner."""
    uow = current_uow()
    return answers.keys([role.name for role in app_roles.roles(uow, app_roles.find_mount(uow, mount))])


@bp.get("/auth/<path:mount>/role")
@requires(Permission.TOKENS_MINT, program=True)
def roles_too(mount: str) -> ResponseReturnValue:
    """The same, for clients that ask with ``list=true``."""
    uow = current_uow()
    found = app_roles.roles(uow, app_roles.find_mount(uow, mount)) if answers.wants_list() else []
    return answers.keys([role.name for role in found])


@bp.get("/auth/<path:mount>/role/<role>")
@requires(Permission.TOKENS_MINT, program=True)
def show(mount: str, role: str) -> ResponseReturnValue:
    """Describe a role."""
    settings = app_roles.settings_of(app_roles.find(current_uow(), mount, role))
    shown: dict[str, Any] = {name: getattr(settings, own) for name, own in (_LISTS | _DURATIONS).items()}
    shown |= {name: getattr(settings, own) for name, own in (_NUMBERS | _FLAGS).items()}
    shown["secret_id_bound_cidrs"] = settings.networks or None
    return answers.envelope(
        shown | {"local_secret_ids": False, "token_type": "default", "token_strictly_bind_ip": False}
    )


@bp.route("/auth/<path:mount>/role/<role>", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def save(mount: str, role: str) -> ResponseReturnValue:
    """Make a role, or change what is sent of one."""
    uow = current_uow()
    # What is sent empty, or as 0, is taken away; what is not sent stays.
    sent = {_OLD.get(name, name): value for name, value in answers.body().items() if value is not None}
    place = app_roles.find_mount(uow, mount)
    before = next((each for each in app_roles.roles(uow, place) if each.name == role.lower()), None)
    settings = app_roles.settings_of(before) if before else Settings()
    changes: dict[str, Any] = {own: told.names(sent[name]) for name, own in _LISTS.items() if name in sent}
    changes |= {own: told.positive(sent[name] or 0, name) for name, own in _DURATIONS.items() if name in sent}
    changes |= {own: answers.number(sent[name] or 0, name) for name, own in _NUMBERS.items() if name in sent}
    changes |= {own: answers.flag(sent[name], name) for name, own in _FLAGS.items() if name in sent}
    wanted = replace(settings, **changes)
    app_roles.save(uow, mount, role, replace(wanted, profiles=[p for p in wanted.profiles if p != "default"]))
    return answers.nothing()


@bp.delete("/auth/<path:mount>/role/<role>")
@requires(Permission.TOKENS_MINT, program=True)
def delete(mount: str, role: str) -> ResponseReturnValue:
    """Delete a role and its secret ids."""
    uow = current_uow()
    names = {each.name for each in app_roles.roles(uow, app_roles.find_mount(uow, mount))}
    if role.lower() in names:
        app_roles.delete(uow, app_roles.find(uow, mount, role))
    return answers.nothing()


@bp.get("/auth/<path:mount>/role/<role>/role-id")
@requires(Permission.TOKENS_MINT, program=True)
def role_id(mount: str, role: str) -> ResponseReturnValue:
    """Tell the half that is no secret."""
    return answers.envelope({"role_id": app_roles.find(current_uow(), mount, role).role_id})


@bp.route("/auth/<path:mount>/role/<role>/role-id", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def set_role_id(mount: str, role: str) -> ResponseReturnValue:
    """Choose the half that is no secret."""
    uow = current_uow()
    chosen = str(answers.body().get("role_id") or "")
    app_roles.set_role_id(uow, app_roles.find(uow, mount, role), chosen)
    return answers.nothing()


@bp.route("/auth/<path:mount>/role/<role>/secret-id", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True, limit=answers.MADE, counted_as="secret-ids")
def make_secret_id(mount: str, role: str) -> ResponseReturnValue:
    """Make a secret id."""
    return _make(mount, role, None)


@bp.route("/auth/<path:mount>/role/<role>/custom-secret-id", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True, limit=answers.MADE, counted_as="secret-ids")
def keep_secret_id(mount: str, role: str) -> ResponseReturnValue:
    """Take a secret id that the caller has chosen."""
    chosen = str(answers.body().get("secret_id") or "")
    if not chosen:
        message = "missing secret_id"
        raise Invalid(message)
    return _make(mount, role, chosen)


def _make(mount: str, role: str, text: str | None) -> Response:
    uow = current_uow()
    sent = answers.body()
    made = secret_ids.make(
        uow,
        app_roles.find(uow, mount, role),
        text=text,
        metadata=told.texts(sent.get("metadata"), "metadata"),
        networks=told.names(sent.get("cidr_list") or []),
        token_networks=told.names(sent.get("token_bound_cidrs") or []),
        uses=answers.number(sent["num_uses"], "num_uses") if sent.get("num_uses") is not None else None,
        seconds=told.positive(sent["ttl"], "ttl") if sent.get("ttl") is not None else None,
    )
    return answers.envelope(
        {
            "secret_id": made.text,
            "secret_id_accessor": str(made.row.id),
            "secret_id_ttl": made.row.seconds,
            "secret_id_num_uses": made.row.uses_max,
        }
    )


@bp.route("/auth/<path:mount>/role/<role>/secret-id", methods=["LIST"])
@requires(Permission.TOKENS_MINT, program=True)
def accessors(mount: str, role: str) -> ResponseReturnValue:
    """List a role's secret ids by their accessors."""
    uow = current_uow()
    return answers.keys([str(row.id) for row in secret_ids.living(uow, app_roles.find(uow, mount, role))])


@bp.route("/auth/<path:mount>/role/<role>/secret-id/lookup", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True, writes=False)
def look_up(mount: str, role: str) -> ResponseReturnValue:
    """Tell about a secret id whose text is shown."""
    uow = current_uow()
    shown = str(answers.body().get("secret_id") or "")
    row = secret_ids.by_text(uow, app_roles.find(uow, mount, role), shown)
    return _about(row) if row else answers.nothing()


@bp.route("/auth/<path:mount>/role/<role>/secret-id/destroy", methods=(*answers.WRITES, "DELETE"))
@requires(Permission.TOKENS_MINT, program=True)
def destroy(mount: str, role: str) -> ResponseReturnValue:
    """End a secret id whose text is shown."""
    uow = current_uow()
    found = app_roles.find(uow, mount, role)
    row = secret_ids.by_text(uow, found, str(answers.body().get("secret_id") or ""))
    if row is not None:
        secret_ids.destroy(uow, found, row)
    return answers.nothing()


@bp.route("/auth/<path:mount>/role/<role>/secret-id-accessor/lookup", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True, writes=False)
def look_up_accessor(mount: str, role: str) -> ResponseReturnValue:
    """Tell about a secret id by its accessor."""
    uow = current_uow()
    row = secret_ids.by_accessor(uow, app_roles.find(uow, mount, role), _accessor())
    return _about(row) if row else _no_accessor()


@bp.route("/auth/<path:mount>/role/<role>/secret-id-accessor/destroy", methods=(*answers.WRITES, "DELETE"))
@requires(Permission.TOKENS_MINT, program=True)
def destroy_accessor(mount: str, role: str) -> ResponseReturnValue:
    """End a secret id by its accessor."""
    uow = current_uow()
    found = app_roles.find(uow, mount, role)
    row = secret_ids.by_accessor(uow, found, _accessor())
    if row is None:
        return _no_accessor()
    secret_ids.destroy(uow, found, row)
    return answers.nothing()


def _accessor() -> str:
    return str(answers.body().get("secret_id_accessor") or "")


def _no_accessor() -> Response:
    return answers.failed(HTTPStatus.NOT_FOUND, "failed to find accessor entry for secret_id_accessor")


def _about(row: SecretId) -> Response:
    return answers.envelope(
        {
            "secret_id_accessor": str(row.id),
            "secret_id_num_uses": row.uses_left or 0,
            "secret_id_ttl": row.seconds,
            "creation_time": answers.time(row.created_at),
            "last_updated_time": answers.time(row.created_at),
            "expiration_time": answers.time(row.expires_at) or _NEVER,
            "metadata": json.loads(row.metadata_),
            "cidr_list": row.networks.split(),
            "token_bound_cidrs": row.token_networks.split(),
        }
    )
