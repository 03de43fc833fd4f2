"""References: fields that hold the name of an environment variable of the server, and show what it holds.

For credentials that a deployment hands to the server, until they are encrypted here like all others. Whoever
could name a variable could read it, so only the operator makes references, by command, and only variables
whose names begin with ``content_rules.REFERENCE_PREFIX`` are ever read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from errors import Conflict, Invalid
from policy import ActorKind
from services.contents import Field, Kind, Shape
from services.unit_of_work import UnitOfWork


def look_up(variable: str) -> str | None:
    """Return what a variable holds; None: it is not set, or empty."""
    return os.environ.get(variable) or None


def resolve(field: Field) -> str:
    """Return what the variable holds that *field* names.

    Raises:
        Conflict: it is not set.
    """
    value = look_up(field.value)
    if value is None:
        raise Conflict(f"The server's environment has no {field.value}; ask the operator to set it.")
    return value


def held_in(fields: Iterable[Field | Shape]) -> bool:
    """Tell whether there is a reference among the fields."""
    return any(field.kind is Kind.REFERENCE for field in fields)


def refuse_new(uow: UnitOfWork, given: Iterable[Field], stored: Iterable[Field] = ()) -> None:
    """Let nobody but the operator make a reference, or point one at another variable.

    Raises:
        Invalid: there is one among *given* that is not among *stored*.
    """
    if uow.actor.kind is ActorKind.SYSTEM:
        return
    known = _variables(stored)
    for field in given:
        if field.kind is Kind.REFERENCE and field.value not in known:
            raise Invalid("Only the operator makes references, with a command.", field.name)


def _variables(fields: Iterable[Field]) -> frozenset[str]:
    return frozenset(field.value for field in fields if field.kind is Kind.REFERENCE)
