"""KV version 2, the data: reading and writing keys, and taking single versions of them away and back."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from blueprints import vault_answers as answers
from blueprints.declared import ITEM_BODY
from blueprints.guard import requires
from blueprints.requests import current_uow
from errors import Invalid
from policy import Permission
from services import kv_versions
from services.items import is_past
from services.kv_keys import Key, demand
from services.kv_versions import Version

bp = answers.blueprint("kv_data")

OFTEN = "RATE_KV"
"""Programs in numbers read with one token; a token of its own may be slower."""
_VERSIONS_MAX = 1000
_DEPTH_MAX = 100


@bp.get("/<kv('data'):key>")
@requires(Permission.ITEM_REVEAL, Key, program=True, limit=OFTEN)
def read(key: Key) -> ResponseReturnValue:
    """Return a version's data; one event says that it was revealed."""
    found = kv_versions.read(current_uow(), key, _asked_version())
    if found is None:
        return answers.missing()
    return _shown(found, {"data": found.data})


@bp.route("/<kv('data'):key>", methods=answers.WRITES)
@requires(Permission.ITEM_EDIT, Key, program=True, limit=OFTEN)
def write(key: Key) -> ResponseReturnValue:
    """Store the data as the next version."""
    sent = answers.body(exact=True)
    written = kv_versions.write(current_uow(), key, _data(sent), _cas(sent))
    return answers.envelope(describe(written))


@bp.route("/<kv('data'):key>", methods=["PATCH"])
@requires(Permission.ITEM_REVEAL, Key, writes=True, program=True, limit=OFTEN, max_body=ITEM_BODY)
def patch(key: Key) -> ResponseReturnValue:
    """Merge into the newest version. One could learn of a value by that, so it is a reveal as well."""
    uow = current_uow()
    sent = answers.merge_body(exact=True)
    patching = _data(sent)
    demand(uow, Permission.ITEM_EDIT, key)
    found = kv_versions.read(uow, key)
    if found is None:
        return answers.missing()
    if found.data is None:
        return answers.envelope(describe(found), status=HTTPStatus.NOT_FOUND)
    written = kv_versions.write(uow, key, answers.merged(found.data, patching), _cas(sent))
    return answers.envelope(describe(written))


@bp.delete("/<kv('data'):key>")
@requires(Permission.ITEM_EDIT, Key, program=True, limit=OFTEN)
def delete(key: Key) -> ResponseReturnValue:
    """Delete the newest version; it can be brought back."""
    kv_versions.delete(current_uow(), key)
    return answers.nothing()


@bp.route("/<kv('delete'):key>", methods=answers.WRITES)
@requires(Permission.ITEM_EDIT, Key, program=True, limit=OFTEN)
def delete_versions(key: Key) -> ResponseReturnValue:
    """Delete versions; each can be brought back."""
    kv_versions.delete(current_uow(), key, _numbers())
    return answers.nothing()


@bp.route("/<kv('undelete'):key>", methods=answers.WRITES)
@requires(Permission.ITEM_EDIT, Key, program=True, limit=OFTEN)
def undelete(key: Key) -> ResponseReturnValue:
    """Bring versions back."""
    kv_versions.undelete(current_uow(), key, _numbers())
    return answers.nothing()


@bp.route("/<kv('destroy'):key>", methods=answers.WRITES)
@requires(Permission.ITEM_EDIT, Key, program=True, limit=OFTEN)
def destroy(key: Key) -> ResponseReturnValue:
    """Erase the values of versions for good."""
    kv_versions.destroy(current_uow(), key, _numbers())
    return answers.nothing()


@bp.get("/<kv('subkeys'):key>")
@requires(Permission.ITEM_REVEAL, Key, program=True, limit=OFTEN)
def subkeys(key: Key) -> ResponseReturnValue:
    """Return which keys the data has, down to a depth, without any value."""
    found = kv_versions.read(current_uow(), key, _asked_version(), reveal=False)
    if found is None:
        return answers.missing()
    depth = answers.number(request.args.get("depth", "0"), "depth")
    return _shown(found, {"subkeys": _bare(found.data, depth) if found.data is not None else None})


def describe(version: Version) -> dict[str, Any]:
    """Say everything about a version but its data."""
    return {
        "version": version.number,
        "created_time": answers.time(version.created_at),
        "deletion_time": answers.time(version.deleted_at),
        "destroyed": version.destroyed,
        "custom_metadata": version.custom,
    }


def _shown(found: Version, part: Mapping[str, Any]) -> Response:
    gone = found.destroyed or is_past(found.deleted_at, current_uow().now)
    status = HTTPStatus.NOT_FOUND if gone else HTTPStatus.OK
    return answers.envelope({**part, "metadata": describe(found)}, status=status)


def _asked_version() -> int:
    return answers.number(request.args.get("version", "0"), "version")


def _data(sent: Mapping[str, Any]) -> dict[str, Any]:
    data = sent.get("data")
    if data is None:
        raise Invalid("no data provided")
    if not isinstance(data, dict):
        raise Invalid('Field validation failed: error converting input for field "data": it is no object')
    return data


def _cas(sent: Mapping[str, Any]) -> int | None:
    options = sent.get("options") or {}
    if not isinstance(options, dict):
        raise Invalid("options is an object")
    if options.get("cas") is None:
        return None
    try:
        return answers.number(options["cas"], "cas")
    except Invalid:
        raise Invalid("error parsing check-and-set parameter") from None


def _numbers() -> list[int]:
    versions = answers.body().get("versions") or []
    listed = versions.split(",") if isinstance(versions, str) else versions
    if not isinstance(listed, list) or not listed:
        word = "no" if (request.endpoint or "").endswith("destroy") else "No"
        raise Invalid(f"{word} version number provided")
    if len(listed) > _VERSIONS_MAX:
        raise Invalid(f"Name at most {_VERSIONS_MAX} versions.")
    return [answers.number(one.strip() if isinstance(one, str) else one, "versions") for one in listed]


def _bare(data: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Keep the keys, down to *depth* levels; 0: all. An empty object counts as a value."""
    return {
        name: _bare(value, depth - 1) if isinstance(value, dict) and value and depth != 1 else None
        for name, value in data.items()
    }
