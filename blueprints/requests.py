"""What a request carries: its unit of work, where it came from, who sent it."""

from __future__ import annotations

import re
from typing import cast
from uuid import uuid4

from flask import current_app, g, request
from flask_login import UserMixin

from config import Settings
from services.actors import Person, Place
from services.events import Origin
from services.metrics import Metrics
from services.programs import Program
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork

API_PREFIX = "/api/"
"""Where programs are served, and nobody's cookie speaks for them."""
VAULT_PREFIX = "/v1/"
"""Where programs are served in the way of another server that they know."""
PROGRAMS = (API_PREFIX, VAULT_PREFIX)


class SignedIn(UserMixin):  # type: ignore[misc]
    """A person, in the shape that Flask-Login hands to templates as ``current_user``."""

    def __init__(self, person: Person) -> None:
        self.person = person

    def get_id(self) -> str:
        """Return the id of the session's row."""
        return str(self.person.session_id)


def runtime() -> Runtime:
    """Return the process's long-lived parts."""
    return cast("Runtime", current_app.extensions["chatelaine"])


def settings() -> Settings:
    """Return what the operator decided."""
    return cast("Settings", current_app.config["SETTINGS"])


def metrics() -> Metrics:
    """Return the process's counters."""
    return cast("Metrics", current_app.extensions["metrics"])


def current_uow() -> UnitOfWork:
    """Return this request's unit of work, which the guard opened."""
    return cast("UnitOfWork", g.uow)


def current_person() -> Person:
    """Return who is signed in; only behind a route that requires it."""
    return cast("Person", g.person)


def current_program() -> Program:
    """Return what the token of this request is; only behind a route for programs."""
    return cast("Program", g.program)


def current_place() -> Place:
    """Return the organization of this request; only inside ``/o/<slug>``."""
    return cast("Place", g.place)


def open_uow(*, writing: bool) -> UnitOfWork:
    """Open this request's unit of work."""
    g.uow = UnitOfWork(runtime(), origin=origin(), writing=writing)
    return cast("UnitOfWork", g.uow)


def release_uow(_error: BaseException | None) -> None:
    """Let go of what a request still holds, such as what an error page has read."""
    if "uow" in g:
        current_uow().release()


def origin() -> Origin:
    """Say where this request came from; an address that holds a secret is never named."""
    return Origin(
        address=request.remote_addr or "",
        agent=request.headers.get("User-Agent", ""),
        method=request.method,
        path=safe_path(),
        request_id=request_id(),
    )


def safe_path() -> str:
    """Return the path for logs: of an enrolment link only that it is one, and no name of a credential."""
    if request.path.startswith("/enrol/"):
        return "/enrol/…"
    if request.path.startswith(VAULT_PREFIX):
        return re.sub(r"^(/v1/[^/]+/[^/]+/).+", r"\1…", request.path)
    return request.path


def for_vault_clients() -> bool:
    """Whether the caller expects answers as that other server gives them."""
    return request.path.startswith(VAULT_PREFIX)


def request_id() -> str:
    """Return the id under which this request stands in the logs and on error pages."""
    if "request_id" not in g:
        g.request_id = uuid4().hex[:12]
    return cast("str", g.request_id)


def wants_json() -> bool:
    """Whether the caller is a script of ours or a program, rather than somebody reading pages."""
    if request.path.startswith(PROGRAMS):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json"


def local_path(text: str | None) -> str | None:
    """Return *text* if it is a path on this very site, else None: nobody is ever led elsewhere."""
    if not text or not text.startswith("/") or text.startswith(("//", "/\\")):
        return None
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in text):
        return None
    return text
