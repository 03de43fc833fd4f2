"""How ids and numbers are written in addresses: one spelling each, so that nothing has two names."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import IntegerConverter, UUIDConverter


class Id(UUIDConverter):
    """A UUID in lower case."""

    regex = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Number(IntegerConverter):
    """A whole number in ASCII digits without leading zeros, small enough for every database."""

    regex = r"(?:0|[1-9][0-9]{0,8})"


def register(app: Flask) -> None:
    """Give everything one address: ``<uuid:…>`` and ``<int:…>`` accept one spelling only."""
    # Two slashes for one would be led on to the right address; they are no address of ours.
    app.url_map.merge_slashes = False
    app.url_map.converters["uuid"] = Id
    app.url_map.converters["int"] = Number
