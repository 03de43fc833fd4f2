"""How the Vault-compatible API speaks: its envelope, its errors, how it writes times and reads bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import UnsupportedMediaType

from blueprints.requests import VAULT_PREFIX, request_id
from errors import (
    ChatelaineError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    StepUpRequired,
    TooManyRequests,
    Undecryptable,
)
from extensions import uncounted
from services import strict_json
from services.kv_contents import dump

JSON = "application/json"
"""Exactly so, without a charset: clients compare it before they look into an error."""
MERGE = "application/merge-patch+json"
ALL = ("GET", "LIST", "POST", "PUT", "PATCH", "DELETE")
WRITES = ("POST", "PUT")
MADE = "RATE_VAULT_TOKEN"
"""Tokens and secret ids that one token makes."""
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_MINUTE, _HOUR = 60, 3600
_LONGEST = 100 * 365 * 86400


def blueprint(name: str) -> Blueprint:
    """Return a blueprint of this API; the guard counts its requests by token."""
    made = Blueprint(name, f"blueprints.{name}", url_prefix=VAULT_PREFIX.rstrip("/"))
    made.after_request(_echo_namespace)
    return uncounted(made)


def _echo_namespace(response: Response) -> Response:
    namespace = request.headers.get("X-Vault-Namespace")
    if namespace is not None:
        response.headers["X-Vault-Namespace"] = namespace
    return response


def plain(content: Any, status: int = 200) -> Response:
    """Answer with JSON as it is."""
    return Response(dump(content), status, content_type=JSON)


def envelope(
    data: Any = None,
    *,
    auth: Any = None,
    wrap_info: Any = None,
    warnings: Sequence[str] = (),
    injected: bool = False,
    status: int = 200,
) -> Response:
    """Answer with the eight members that clients look for.

    Args:
        injected: whether the members of *data* are repeated beside it, for older clients.
    """
    answer = {
        # The last group is the id under which the request stands in the logs.
        "request_id": f"00000000-0000-4000-8000-{request_id()}",
        "lease_id": "",
        "renewable": False,
        "lease_duration": 0,
        "data": data,
        "wrap_info": wrap_info,
        "warnings": list(warnings) or None,
        "auth": auth,
    }
    return plain({**data, **answer} if injected else answer, status)


def nothing() -> Response:
    """Answer that it went well and there is nothing to tell."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"]
    return response


def failed(status: int, *sentences: str) -> Response:
    """Answer with what went wrong; no sentence at all says that nothing is there."""
    return plain({"errors": list(sentences)}, status)


def missing() -> Response:
    """Answer that nothing is there."""
    return failed(HTTPStatus.NOT_FOUND)


def denied(*sentences: str) -> Response:
    """Answer that whoever asks may not, or is nobody."""
    return failed(HTTPStatus.FORBIDDEN, "permission denied", *sentences)


def failure(error: ChatelaineError) -> Response | None:
    """Answer for a failure as clients expect it; None: as everywhere else.

    Nothing that lasts is a 5xx, a 429 or a 412: clients repeat those.
    """
    sentences = [str(error)] if str(error) else []
    if isinstance(error, NotFound):
        path = request.path.removeprefix(VAULT_PREFIX)
        nowhere = f'no handler for route "{path}". route entry not found.'
        return failed(HTTPStatus.NOT_FOUND, *(sentences or [nowhere]))
    if isinstance(error, Denied | StepUpRequired):
        return denied(*sentences)
    if isinstance(error, Undecryptable):
        words = f"it {error}: it was altered, or its key is gone; this was recorded, tell an admin"
        return failed(HTTPStatus.BAD_REQUEST, words)
    if isinstance(error, Invalid | Conflict):
        return failed(HTTPStatus.BAD_REQUEST, *sentences)
    if isinstance(error, TooManyRequests):
        answer = failed(
            HTTPStatus.TOO_MANY_REQUESTS, f'request path "{request.path}": rate limit quota exceeded'
        )
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    return None


def keys(names: Sequence[str], **more: Any) -> Response:
    """Answer with a list of names; an empty one is nothing at all."""
    return envelope({"keys": list(names), **more}) if names else missing()


def wants_list() -> bool:
    """Whether a GET asks for a list instead.

    Raises:
        Invalid: it is neither true nor false.
    """
    asked = request.args.get("list", "false")
    if asked not in _TRUE | _FALSE:
        message = "list is true or false"
        raise Invalid(message)
    return asked in _TRUE


def body(*, exact: bool = False) -> dict[str, Any]:
    """Return the object that the request carries, whatever type it is said to have; nothing is empty.

    Args:
        exact: refuse numbers with more digits than can be given back.

    Raises:
        Invalid: it is no JSON object.
    """
    sent = request.get_data()
    if request.mimetype == "application/x-www-form-urlencoded" and not sent.lstrip().startswith((b"{", b"[")):
        return dict(request.form.items())
    content = strict_json.parse(sent, exact=exact) if sent.strip() else None
    if content is None:
        return {}
    if not isinstance(content, dict):
        message = "The body is a JSON object."
        raise Invalid(message)
    return content


def merge_body(*, exact: bool = False) -> dict[str, Any]:
    """Return the object of a PATCH.

    Raises:
        UnsupportedMediaType: it is not sent as a merge patch.
        Invalid: it is no JSON object.
    """
    if request.mimetype != MERGE:
        message = f"PATCH requires Content-Type of {MERGE}, provided {request.mimetype}"
        raise UnsupportedMediaType(message)
    return body(exact=exact)


def merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396): null takes a member away, objects merge, anything else replaces."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def seconds(value: Any, what: str) -> int:
    """Read a duration: whole seconds, or a text such as ``300``, ``5m`` or ``1h30m``.

    Raises:
        Invalid: it is none, or longer than a hundred years.
    """
    found = _seconds(value)
    if found is None or abs(found) > _LONGEST:
        message = f"{what} is a duration: a number of seconds, or a text such as 30s, 5m or 1h30m"
        raise Invalid(message)
    return int(found)


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str):
        return None
    sign, text = (-1, value[1:]) if value.startswith("-") else (1, value)
    if text.isascii() and text.isdigit():
        return sign * int(text[:12])
    parts = _DURATION.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        return None
    return sign * sum(float(number) * _SECONDS[unit] for number, unit in parts)


def duration(value: int) -> str:
    """Write seconds as Go does: ``0s``, ``30m0s``, ``3h25m19s``."""
    sign, left = ("-", -value) if value < 0 else ("", value)
    hours, minutes, rest = left // _HOUR, left % _HOUR // _MINUTE, left % _MINUTE
    if hours:
        return f"{sign}{hours}h{minutes}m{rest}s"
    return f"{sign}{minutes}m{rest}s" if minutes else f"{sign}{rest}s"


def time(at: datetime | None) -> str:
    """Write a time as RFC 3339 says, in UTC; none is empty."""
    return "" if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def flag(value: Any, what: str) -> bool:
    """Read true or false, also as a text.

    Raises:
        Invalid: it is neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _TRUE | _FALSE:
        return value in _TRUE
    message = f"{what} is true or false"
    raise Invalid(message)


def number(value: Any, what: str) -> int:
    """Read a whole number, also as a text.

    Raises:
        Invalid: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        found = None
    else:
        found = value if isinstance(value, int) else _whole(value)
    if found is None:
        message = f"{what} is a whole number"
        raise Invalid(message)
    return found


def _whole(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None  # noqa: PLR2004 - of every database
