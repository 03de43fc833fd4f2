"""KV version 2, everything but the data: metadata and lists of keys, and what holds for a whole mount."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from blueprints import vault_answers as answers
from blueprints.guard import requires
from blueprints.kv_data import OFTEN, describe
from blueprints.requests import current_uow
from errors import Invalid
from policy import Permission
from services import kv_keys, kv_metadata, mounts
from services.kv_keys import Folder, Key, demand
from services.kv_metadata import Metadata
from services.mounts import MountedVault

bp = answers.blueprint("kv_metadata")


@bp.get("/<kv('metadata'):folder>")
@requires(Permission.VAULT_READ, Folder, program=True, limit=OFTEN)
def read(folder: Folder) -> ResponseReturnValue:
    """Return a key's metadata, or with ``list=true`` the names in a folder."""
    if answers.wants_list():
        return _list(folder)
    key = kv_keys.key_in(current_uow(), folder)
    demand(current_uow(), Permission.ITEM_READ, key)
    if key.item is None:
        return answers.missing()
    return answers.envelope(_told(kv_metadata.read(current_uow(), key.item)))


@bp.route("/<kv('metadata'):folder>", methods=["LIST"])
@requires(Permission.VAULT_READ, Folder, program=True, limit=OFTEN)
def list_(folder: Folder) -> ResponseReturnValue:
    """Return the names in a folder."""
    return _list(folder)


def _list(folder: Folder) -> ResponseReturnValue:
    return answers.keys(_window(kv_keys.children(current_uow(), folder)))


@bp.route("/<kv('detailed-metadata'):folder>", methods=["LIST"])
@requires(Permission.VAULT_READ, Folder, program=True, limit=OFTEN)
def list_detailed(folder: Folder) -> ResponseReturnValue:
    """Return the names in a folder with the metadata of each key."""
    return _list_detailed(folder)


@bp.get("/<kv('detailed-metadata'):folder>")
@requires(Permission.VAULT_READ, Folder, program=True, limit=OFTEN)
def read_detailed(folder: Folder) -> ResponseReturnValue:
    """Return the same for who asks with ``list=true``."""
    return _list_detailed(folder) if answers.wants_list() else answers.missing()


def _list_detailed(folder: Folder) -> ResponseReturnValue:
    uow = current_uow()
    names = _window(kv_keys.children(uow, folder))
    about: dict[str, Any] = {}
    for name in names:
        inside = Folder(folder.mounted, f"{folder.name}/{name}" if folder.name else name)
        item = None if name.endswith("/") else kv_keys.key_in(uow, inside).item
        about[name] = _told(kv_metadata.read(uow, item)) if item else {}
    return answers.keys(names, key_info=about)


@bp.route("/<kv('metadata'):key>", methods=answers.WRITES)
@requires(Permission.ITEM_EDIT, Key, program=True, limit=OFTEN)
def write(key: Key) -> ResponseReturnValue:
    """Change what is decided about a key; the custom metadata is replaced as a whole."""
    changes = _changes(answers.body())
    kv_metadata.change(current_uow(), key, changes)
    if changes.get("cas_required") is False and key.mounted.cas_required:
        return answers.envelope(
            warnings=[
                '"cas_required" set to false, but is mandated by backend config. This value will be ignored.'
            ]
        )
    return answers.nothing()


@bp.route("/<kv('metadata'):key>", methods=["PATCH"])
@requires(Permission.ITEM_EDIT, Key, program=True, limit=OFTEN)
def patch(key: Key) -> ResponseReturnValue:
    """Change single entries of the custom metadata, and what else is sent."""
    uow = current_uow()
    sent = answers.merge_body()
    if key.item is None:
        return answers.missing()
    custom = sent.get("custom_metadata")
    if isinstance(custom, Mapping):
        before = kv_metadata.read(uow, key.item).rules.custom or {}
        sent = {**sent, "custom_metadata": answers.merged(before, custom)}
    kv_metadata.change(uow, key, _changes(sent))
    return answers.nothing()


@bp.delete("/<kv('metadata'):key>")
@requires(Permission.ITEM_EDIT, Key, program=True, limit=OFTEN)
def delete(key: Key) -> ResponseReturnValue:
    """Take a key away with all its versions; people find it in the trash for a while."""
    kv_metadata.remove(current_uow(), key)
    return answers.nothing()


@bp.get("/<mount('config'):mounted>")
@requires(Permission.VAULT_READ, MountedVault, program=True, limit=OFTEN)
def config(mounted: MountedVault) -> ResponseReturnValue:
    """Say what holds for all keys of a mount."""
    return answers.envelope(
        {
            "max_versions": mounted.max_versions or 0,
            "cas_required": mounted.cas_required,
            "delete_version_after": answers.duration(mounted.delete_after),
        }
    )


@bp.route("/<mount('config'):mounted>", methods=answers.WRITES)
@requires(Permission.VAULT_MANAGE, MountedVault, program=True, limit=OFTEN)
def configure(mounted: MountedVault) -> ResponseReturnValue:
    """Decide what holds for all keys of a mount."""
    changes = _changes(answers.body())
    mounts.configure(
        current_uow(),
        mounted,
        max_versions=changes.get("max_versions", mounted.max_versions) or None,
        cas_required=changes.get("cas_required", mounted.cas_required),
        delete_after=changes.get("delete_after", mounted.delete_after),
    )
    return answers.nothing()


def _told(found: Metadata) -> dict[str, Any]:
    versions = {}
    for version in found.versions:
        told = describe(version)
        versions[str(version.number)] = {
            name: told[name] for name in ("created_time", "deletion_time", "destroyed")
        }
    return {
        "versions": versions,
        "current_version": found.current,
        "oldest_version": found.oldest,
        "created_time": answers.time(found.created_at),
        "updated_time": answers.time(found.updated_at),
        "max_versions": found.rules.max_versions,
        "cas_required": found.rules.cas_required,
        "delete_version_after": answers.duration(found.rules.delete_after),
        "custom_metadata": found.rules.custom,
    }


def _changes(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Read what is to be changed; what is not sent, or null, stays."""
    changes: dict[str, Any] = {}
    if sent.get("max_versions") is not None:
        changes["max_versions"] = answers.number(sent["max_versions"], "max_versions")
    if sent.get("cas_required") is not None:
        changes["cas_required"] = answers.flag(sent["cas_required"], "cas_required")
    if sent.get("delete_version_after") is not None:
        changes["delete_after"] = answers.seconds(sent["delete_version_after"], "delete_version_after")
    if sent.get("custom_metadata") is not None:
        changes["custom"] = _custom(sent["custom_metadata"])
    return changes


def _custom(sent: Any) -> dict[str, str]:
    if not isinstance(sent, dict) or any(
        isinstance(value, dict | list) or value is None for value in sent.values()
    ):
        raise Invalid("custom_metadata validation failed: it is an object of texts")
    return {name: _text(value) for name, value in sent.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _window(names: list[str]) -> list[str]:
    """Cut a list as ``after`` and ``limit`` say."""
    after = request.args.get("after", "")
    limit = answers.number(request.args.get("limit", "-1"), "limit")
    behind = [name for name in names if name > after] if after else names
    return behind[:limit] if limit > 0 else behind
