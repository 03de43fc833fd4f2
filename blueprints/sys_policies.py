"""Policies: the organization's profiles, to be read here and written on our own pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue

from blueprints import vault_answers as answers
from blueprints.guard import requires
from blueprints.requests import current_uow
from blueprints.verdicts import may
from errors import Invalid
from policy import Permission, Verdict
from services import kv_keys, profile_texts
from services.kv_keys import Key

bp = answers.blueprint("sys_policies")

_PAGES = "Policies are profiles here. Make and change them on the page Tokens, under Profiles."
PATHS_MAX = 100
_OF_DATA = {Permission.ITEM_REVEAL: ("read",), Permission.ITEM_EDIT: ("create", "update", "patch", "delete")}
_OF_METADATA = {
    Permission.ITEM_READ: ("read", "list"),
    Permission.ITEM_EDIT: ("create", "update", "patch", "delete"),
}
_OF_STATES = {Permission.ITEM_EDIT: ("create", "update")}
_BY_VERB: Mapping[str, Mapping[Permission, tuple[str, ...]]] = {
    "data": _OF_DATA,
    "subkeys": {Permission.ITEM_REVEAL: ("read",)},
    "metadata": _OF_METADATA,
    "detailed-metadata": {Permission.ITEM_READ: ("read", "list")},
    **dict.fromkeys(("delete", "undelete", "destroy"), _OF_STATES),
}


@bp.route("/sys/policies/acl", methods=["LIST"])
@requires(Permission.TOKEN_SELF, program=True)
def index() -> ResponseReturnValue:
    """List the profiles."""
    return answers.keys(profile_texts.names(current_uow()))


@bp.get("/sys/policies/acl")
@requires(Permission.TOKEN_SELF, program=True)
def index_too() -> ResponseReturnValue:
    """The same, for clients that ask with ``list=true``."""
    return answers.keys(profile_texts.names(current_uow()) if answers.wants_list() else [])


@bp.get("/sys/policies/acl/<name>")
@requires(Permission.TOKEN_SELF, program=True)
def show(name: str) -> ResponseReturnValue:
    """Say what a profile allows."""
    text = profile_texts.text_of(current_uow(), name)
    return answers.missing() if text is None else answers.envelope({"name": name, "policy": text})


@bp.route("/sys/policies/acl/<name>", methods=answers.WRITES)
@bp.route("/sys/policy/<name>", methods=answers.WRITES)
@requires(Permission.TOKEN_SELF, program=True, writes=False)
def save(name: str) -> ResponseReturnValue:
    """Refuse: a person makes profiles, after confirming who they are."""
    del name
    raise Invalid(_PAGES)


@bp.delete("/sys/policies/acl/<name>")
@bp.delete("/sys/policy/<name>")
@requires(Permission.TOKEN_SELF, program=True, writes=False)
def delete(name: str) -> ResponseReturnValue:
    """Refuse, but for what is not there."""
    return _deleted(name)


@bp.get("/sys/policy")
@requires(Permission.TOKEN_SELF, program=True)
def old_index() -> ResponseReturnValue:
    """List the profiles, for older clients."""
    names = profile_texts.names(current_uow())
    return answers.envelope({"keys": names, "policies": names}, injected=True)


@bp.get("/sys/policy/<name>")
@requires(Permission.TOKEN_SELF, program=True)
def old_show(name: str) -> ResponseReturnValue:
    """Say what a profile allows, for older clients."""
    text = profile_texts.text_of(current_uow(), name)
    return (
        answers.missing() if text is None else answers.envelope({"name": name, "rules": text}, injected=True)
    )


def _deleted(name: str) -> Response:
    if name in profile_texts.names(current_uow()):
        raise Invalid(_PAGES)
    return answers.nothing()


@bp.route("/sys/capabilities-self", methods=answers.WRITES)
@requires(Permission.TOKEN_SELF, program=True, writes=False)
def capabilities() -> ResponseReturnValue:
    """Say what the token may do with paths."""
    sent = answers.body()
    paths = sent.get("paths") or sent.get("path") or []
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not 0 < len(paths) <= PATHS_MAX:
        message = f"paths is a list of 1 to {PATHS_MAX} paths"
        raise Invalid(message)
    told: dict[str, Any] = {str(path): _capabilities(str(path)) for path in paths}
    if len(paths) == 1:
        told["capabilities"] = told[str(paths[0])]
    return answers.envelope(told, injected=True)


def _capabilities(path: str) -> list[str]:
    key = kv_keys.find_quietly(current_uow(), path)
    if key is None:
        return ["deny"]
    allowed = _BY_VERB.get(path.strip("/").split("/")[1], {})
    found = {word for permission, words in allowed.items() if _may(permission, key) for word in words}
    return sorted(found) or ["deny"]


def _may(permission: Permission, key: Key) -> bool:
    return may(current_uow(), permission, key) is Verdict.ALLOW
