"""How ids and numbers are written in addresses: one spelling each, so that nothing has two names."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter, IntegerConverter, Map, UUIDConverter

from services.kv_keys import Address

MOUNT = r"(?!(?:sys|auth|cubbyhole|identity)/)[^/]+"


class Id(UUIDConverter):
    """A UUID in lower case."""

    regex = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Number(IntegerConverter):
    """A whole number in ASCII digits without leading zeros, small enough for every database."""

    regex = r"(?:0|[1-9][0-9]{0,8})"


class KeyAddress(BaseConverter):
    """The address of a key of the Vault-compatible API: mount, ``verb``, name; the name may be empty."""

    part_isolating = False
    weight = 150

    def __init__(self, url_map: Map, verb: str) -> None:
        super().__init__(url_map)
        self.regex = rf"{MOUNT}/{verb}(?:/.*)?"

    def to_python(self, value: str) -> Address:
        """Split the address."""
        mount, _, rest = value.partition("/")
        return Address(mount, rest.partition("/")[2])


class MountAddress(BaseConverter):
    """The address of something that a mount has once, such as its configuration."""

    part_isolating = False
    weight = 140

    def __init__(self, url_map: Map, verb: str) -> None:
        super().__init__(url_map)
        self.regex = rf"{MOUNT}/{verb}/?"

    def to_python(self, value: str) -> str:
        """Return the mount's path."""
        return value.partition("/")[0]


def register(app: Flask) -> None:
    """Give everything one address: ``<uuid:…>`` and ``<int:…>`` accept one spelling only."""
    # Two slashes for one would be led on to the right address; they are no address of ours.
    app.url_map.merge_slashes = False
    app.url_map.converters["uuid"] = Id
    app.url_map.converters["int"] = Number
    app.url_map.converters["kv"] = KeyAddress
    app.url_map.converters["mount"] = MountAddress
