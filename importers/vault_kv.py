"""Secrets of HashiCorp Vault or OpenBao, from a KV engine of version 1 or 2, asked for through its API.

Source: developer.hashicorp.com/vault/api-docs/secret/kv.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from importers.entry import Entry, Reading
from importers.json_secrets import secret_of
from importers.limits import DEPTH_MAX, ENTRIES_MAX, Refused, check_unpacked, take_entries
from importers.source import Format, Source
from importers.values import object_of, text_of

LISTS_MAX = 5_000
"""Folders that are listed."""
_VERSIONS = ("1", "2")
_SEGMENT = re.compile(r"(?!\.{1,2}/?$)[^/]+/?")
"""One step of a path; another would lead elsewhere on the server."""


class Forbidden(Exception):
    """The token may not see this."""


class Server(Protocol):
    """Whoever asks the server."""

    def ask(self, path: str, *, listing: bool = False) -> Mapping[str, Any] | None:
        """Return the member ``data`` of the answer; None: there is no such thing.

        Raises:
            Forbidden: the token may not see it.
            Refused: no answer, or none that can be believed.
        """
        ...


def read_mount(server: Server, mount: str, folder: str = "") -> Reading:
    """Read the newest version of every secret that the token may read, of a mount or of one folder in it.

    Args:
        mount: the path at which the engine is mounted, such as ``secret``.

    Raises:
        Refused: nothing can be listed, or there is more than fits.
    """
    walk = _Walk(server, mount.strip("/"), _version(server, mount.strip("/")))
    entries = take_entries(walk.entries(folder.strip("/")))
    if not entries:
        raise Refused(
            "Nothing there can be read with this token. Look at the mount, the folder and its policy."
        )
    return Reading(entries, unread=tuple(walk.sentences()))


def _version(server: Server, mount: str) -> str:
    """Ask what is mounted there; a token that may read anything of a mount may ask that."""
    try:
        told = server.ask(f"sys/internal/ui/mounts/{mount}")
    except Forbidden:
        told = None
    if told is None or told.get("type") not in {"kv", "generic"}:
        raise Refused(f"No KV engine is mounted at {mount}/, or the token may not read it.")
    version = text_of(object_of(told.get("options")).get("version")) or "1"
    if version not in _VERSIONS:
        raise Refused("The KV engine there is of a version that is not known here.")
    return version


class _Walk:
    def __init__(self, server: Server, mount: str, version: str) -> None:
        self._server = server
        self._list = f"{mount}/metadata/" if version == "2" else f"{mount}/"
        self._read = f"{mount}/data/" if version == "2" else f"{mount}/"
        self._wrapped = version == "2"
        self._lists = 0
        self._length = 0
        self._left: Counter[str] = Counter()

    def entries(self, folder: str) -> Iterator[Entry]:
        """Go through the folders, each before what lies in it."""
        open_ = [tuple(folder.split("/")) if folder else ()]
        while open_:
            path = open_.pop()
            for name in self._names(path):
                if not name.endswith("/"):
                    yield from self._secret((*path, name))
                elif len(path) < DEPTH_MAX:
                    open_.append((*path, name.removesuffix("/")))

    def sentences(self) -> Iterator[str]:
        """Say what was left behind."""
        for what, number in self._left.items():
            yield f"{number} {what}."

    def _names(self, path: tuple[str, ...]) -> list[str]:
        self._lists += 1
        if self._lists > LISTS_MAX:
            raise Refused(f"There are more than {LISTS_MAX:,} folders. Import some of them at a time.")
        try:
            told = self._server.ask(self._list + "".join(f"{part}/" for part in path), listing=True)
        except Forbidden:
            self._left["folders may not be listed with this token and are left behind"] += 1
            return []
        keys = (told or {}).get("keys")
        names = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
        if len(names) > ENTRIES_MAX:
            raise Refused(f"A folder holds more than {ENTRIES_MAX:,} secrets. Import some of them at a time.")
        return [name for name in names if _SEGMENT.fullmatch(name)]

    def _secret(self, path: tuple[str, ...]) -> Iterator[Entry]:
        try:
            told = self._server.ask(self._read + "/".join(path))
        except Forbidden:
            self._left["secrets may not be read with this token and are left behind"] += 1
            return
        held = object_of((told or {}).get("data")) if self._wrapped else dict(told or {})
        if not held:
            self._left["secrets are deleted or empty and are left behind"] += 1
            return
        entry = secret_of(held, path, "")
        self._length += sum(len(field.value) for field in entry.custom)
        check_unpacked(self._length)
        yield entry


def _read(_source: Source) -> Reading:
    raise Refused("A KV engine is read by ./chatelaine import vault-kv, and from no file.")


FORMAT = Format("vault-kv", "HashiCorp Vault or OpenBao, KV", (), lambda _: False, _read)
