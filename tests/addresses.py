"""From a rule of the URL map to an address in the world of the tests."""

from __future__ import annotations

from uuid import UUID

from werkzeug.routing import Rule

from tests.world import LAKESIDE, NORTHWIND, World

NOWHERE = UUID("00000000-0000-4000-8000-00000000dead")
"""The id of nothing."""


def fill(rule: Rule, world: World, **arguments: object) -> str:
    """Return an address for *rule*: with the arguments given, else Northwind's, else ids of nothing."""
    values: dict[str, object] = {
        "slug": NORTHWIND,
        "vault_id": world.vaults["Production"],
        "item_id": world.items["Stripe dashboard"],
        "member_id": world.members["mia"],
        "token_id": world.token_ids["mia"],
        "organization_id": world.organizations[LAKESIDE],
        "filename": "app.css",
        "token": "chl_enrol_00000000_nothing",
        **arguments,
    }
    path = str(rule)
    for name in rule.arguments:
        converter = rule._converters[name]
        fallback: object = NOWHERE if type(converter).__name__ == "Id" else 1
        text = str(values.get(name, fallback))
        path = path.replace(_written(path, name), text)
    return path


def _written(path: str, name: str) -> str:
    """Return how the argument stands in the rule: ``<uuid:name>`` or ``<name>``."""
    for piece in path.split("<")[1:]:
        inside = piece.partition(">")[0]
        if inside.rpartition(":")[2] == name:
            return f"<{inside}>"
    raise AssertionError(f"{name} does not stand in {path}")
