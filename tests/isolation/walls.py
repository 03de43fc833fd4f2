"""Taking single walls between organizations away, so that a test can show that it would see that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, true
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BinaryExpression, BindParameter

from services import database


@contextmanager
def nothing() -> Iterator[None]:
    """Take nothing away."""
    yield


@contextmanager
def automatic_filter() -> Iterator[None]:
    """Let the session add no organization to its statements, nor refuse those without any."""
    event.remove(Session, "do_orm_execute", database._filter)
    try:
        yield
    finally:
        event.listen(Session, "do_orm_execute", database._filter)


@contextmanager
def guard_on_writes() -> Iterator[None]:
    """Let the session write rows of any organization."""
    event.remove(Session, "before_flush", database._refuse_foreign_rows)
    try:
        yield
    finally:
        event.listen(Session, "before_flush", database._refuse_foreign_rows)


@contextmanager
def bind(module: Any, *names: str, bound: str = "organization_id") -> Iterator[None]:
    """Take the comparison with the parameter *bound* out of prepared statements."""
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(module, name, loosened(getattr(module, name), bound))
        yield


@contextmanager
def replaced(target: Any, name: str, value: Any) -> Iterator[None]:
    """Put something careless in the place of a function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, value)
        yield


def loosened(statement: Any, bound: str) -> Any:
    """Return *statement* with every comparison with the parameter *bound* made true."""
    found = []

    def replace(element: Any, **_: Any) -> Any:
        sides = (getattr(element, "left", None), getattr(element, "right", None))
        if isinstance(element, BinaryExpression) and any(
            isinstance(side, BindParameter) and side.key == bound for side in sides
        ):
            found.append(element)
            return true()
        return None

    changed = visitors.replacement_traverse(statement, {}, replace)
    assert found, f"nothing is compared with {bound}"
    return changed
