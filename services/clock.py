"""The one place that asks what time it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_PAST: ContextVar[datetime | None] = ContextVar("past", default=None)


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    return _PAST.get() or datetime.now(UTC)


@contextmanager
def standing_at(at: datetime) -> Iterator[None]:
    """Let the block believe that it is *at*, in this thread alone.

    For the demo and the bench, whose data has a past; a test sees to it that nothing else uses it.
    """
    token = _PAST.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _PAST.reset(token)
