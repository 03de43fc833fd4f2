"""The API for programs: what all of its routes share, and what each tells of itself.

A program shows its API token in the Authorization header and nowhere else; a cookie is never looked at here,
so no CSRF token is asked for. Failures are problem details (RFC 9457) that repeat nothing of what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from blueprints.errors import show
from blueprints.requests import API_PREFIX
from errors import Invalid
from extensions import uncounted
from forms.shapes import Shape, check, text, whole
from services import strict_json

bp = Blueprint("api", __name__, url_prefix=f"{API_PREFIX}v1")

SPEED = "RATE_API"
"""Of each token, for each route."""
PAGE = 100
CURSOR = {"cursor": text(longest=200, about="What stands as next in the answer before.")}
LIMIT = {"limit": whole(1, PAGE, about="Entries of a page.")}
CHANGED = "The list has changed since, or the cursor is no `next` of an answer."
_IN_ADDRESS = frozenset({"access_token", "api_key", "apikey", "authorization", "key", "token"})
_ELSEWHERE = frozenset({"X-Vault-Token", "X-Api-Key"})
"""Where clients of others send theirs."""

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
Line = TypeVar("Line")

# The guard counts by token, and by address those that have none.
uncounted(bp)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route tells of itself: from this its input is checked and the OpenAPI document made.

    Args:
        query: what may stand in the address; anything else there is not looked at.
        body: None: the route takes none.
        bodyless: whether the body may be left out.
        takes: the media type of a body that is no JSON; None: it takes none.
        answer: None: there is none (204), or it is no JSON.
        media: of the answer.
        also: further statuses than those that any route may answer with.
        etag: whether the answer names its version.
        conditional: whether the request has to name the version that it changes.
        once: whether an Idempotency-Key is heeded.
    """

    summary: str
    about: str = ""
    query: Mapping[str, Shape] = field(default_factory=dict)
    body: Shape | None = None
    bodyless: bool = False
    takes: str | None = None
    answer: Shape | None = None
    status: int = 200
    media: str = "application/json"
    also: tuple[int, ...] = ()
    etag: bool = False
    conditional: bool = False
    once: bool = False


def describes(operation: Operation) -> Callable[[View], View]:
    """Attach what a route tells of itself; beneath ``@requires``."""

    def decorate(view: View) -> View:
        view.operation = operation  # type: ignore[attr-defined]  # beside the guard's `access`
        return view

    return decorate


def operation_of(endpoint: str) -> Operation | None:
    """Return what the route called *endpoint* tells of itself."""
    found: Operation | None = getattr(current_app.view_functions[endpoint], "operation", None)
    return found


@bp.before_request
def _one_token_in_one_place() -> ResponseReturnValue | None:
    """Refuse a token in the address, which ends up in logs, and two of them (RFC 6750 sections 2 and 5.3)."""
    if any(name.lower() in _IN_ADDRESS or value.startswith("chl_") for name, value in request.args.items()):
        return show(400, "Send the token in the Authorization header, never in the address.")
    if "," in request.headers.get("Authorization", "") or not _ELSEWHERE.isdisjoint(request.headers.keys()):
        return show(400, "Send one token, in one Authorization header.")
    return None


def key() -> str | None:
    """Return the key under which a program makes a thing once; None: it gave none."""
    return request.headers.get("Idempotency-Key")


def asked() -> dict[str, Any]:
    """Return what the address asks for, as the route's shapes say; what is empty is left out.

    Raises:
        Invalid: something there is not of its shape.
    """
    operation = operation_of(request.endpoint or "")
    found: dict[str, Any] = {}
    for name, shape in (operation.query if operation else {}).items():
        given = request.args.get(name)
        if given:
            found[name] = _read(shape, given, name)
            check(shape, found[name], name)
    return found


def part_of(lines: Sequence[Line], id_of: Callable[[Line], UUID]) -> tuple[Sequence[Line], str | None]:
    """Return the page of a list that the address asks for, and the cursor of the next; None: it is the last.

    Raises:
        Invalid: what the cursor stands for is not in the list, or not any more.
    """
    wanted = asked()
    begin, after = 0, wanted.get("cursor")
    if after is not None:
        places = [number for number, line in enumerate(lines) if str(id_of(line)) == after]
        if not places:
            raise Invalid(CHANGED, "cursor")
        begin = places[0] + 1
    page = lines[begin : begin + wanted.get("limit", PAGE)]
    more = begin + len(page) < len(lines)
    return page, str(id_of(page[-1])) if more else None


def _read(shape: Shape, given: str, name: str) -> Any:
    if shape["type"] == "integer":
        try:
            return int(given)
        except ValueError:
            raise Invalid(f"{name} is to be a whole number.", name) from None
    if shape["type"] == "boolean":
        if given not in {"true", "false"}:
            raise Invalid(f"{name} is to be true or false.", name)
        return given == "true"
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in given):
        raise Invalid(f"{name} holds a character that cannot be stored.", name)
    return given


def sent() -> dict[str, Any]:
    """Return the body, as the route's shape says; empty where it may be left out and was.

    Raises:
        Invalid: it is no JSON, or of another shape; the sentence never repeats what was sent.
    """
    operation = operation_of(request.endpoint or "")
    if operation is None or operation.body is None:
        return {}
    body = request.get_data()
    if not body and operation.bodyless:
        return {}
    if request.mimetype not in {"application/json", "application/merge-patch+json"}:
        raise UnsupportedMediaType
    content: dict[str, Any] = strict_json.parse(body)
    check(operation.body, content)
    return content
