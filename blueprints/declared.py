"""What a route declares about who may use it and how, and the look at all of them when the program starts."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app

from importers.limits import FILE_MAX
from policy import Permission

SAFE_METHODS = frozenset({"GET", "HEAD", "LIST", "OPTIONS"})
SMALL_BODY = 16 * 1024
ITEM_BODY = 1024 * 1024
"""Notes of 64 KiB, and more than one field like it, percent-encoded."""
FILE_BODY = FILE_MAX + 256 * 1024
"""A file to import, its key file, and what surrounds them."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a route declares about itself; the tests and the start-up check read it.

    Args:
        permission: None for a public route.
        model: what the id in the address names; None where there is none.
        writes: whether the request changes more than the audit log; None: as its method says.
        limit: the setting that says how many requests an actor may make; counted in the shared store.
        counted_as: what routes are called that are counted together; None: each by itself.
        program: for API tokens only; the session's cookie is not looked at.
        free: it costs a token none of its uses.
        replacing: open to somebody who must replace their token before all else.
        half: open to somebody whose second factor is still to come.
        adding: open to somebody who must have a second factor, and has none yet.
        anonymous: nobody is looked up, so that the answer needs no database.
        max_body: bytes of a request's body; None: as its permission says.
    """

    permission: Permission | None
    model: type | None = None
    writes: bool | None = None
    limit: str | None = None
    counted_as: str | None = None
    program: bool = False
    replacing: bool = False
    half: bool = False
    adding: bool = False
    anonymous: bool = False
    max_body: int | None = None
    free: bool = False

    @property
    def body_max(self) -> int:
        """Bytes that a request's body may have."""
        if self.max_body is not None:
            return self.max_body
        return ITEM_BODY if self.permission is Permission.ITEM_EDIT else SMALL_BODY

    def is_writing(self, method: str) -> bool:
        """Whether a request by *method* needs the write transaction."""
        return method not in SAFE_METHODS if self.writes is None else self.writes


def access_of(endpoint: str | None) -> Access | None:
    """Return what the route called *endpoint* declares; None: there is no such route, or it serves files."""
    return getattr(current_app.view_functions.get(endpoint or ""), "access", None)


def verify(app: Flask) -> None:
    """Refuse to start with a route that nobody has thought about, or one under a limit that is no setting.

    Raises:
        RuntimeError: naming the routes.
    """
    silent = sorted(
        endpoint
        for endpoint, view in app.view_functions.items()
        if endpoint != "static" and not hasattr(view, "access")
    )
    if silent:
        message = f"routes without @public or @requires: {', '.join(silent)}"
        raise RuntimeError(message)
    limits = {view.access.limit for view in app.view_functions.values() if hasattr(view, "access")}
    if unknown := limits - {None, *app.config["RATES"]}:
        message = f"limits that are no settings: {', '.join(sorted(map(str, unknown)))}"
        raise RuntimeError(message)
