"""Any answer of the Vault-compatible API, put aside where the request asks for that."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, json, request

from blueprints import vault_answers as answers
from blueprints.requests import current_uow, for_vault_clients, safe_path
from errors import Invalid
from services import wrapping
from services.wrapping import Wrap

HEADER = "X-Vault-Wrap-TTL"


def seconds_asked() -> int | None:
    """Return for how long the answer is to be wrapped; None: it is not.

    Raises:
        Invalid: that is no time.
    """
    if not for_vault_clients() or not request.headers.get(HEADER):
        return None
    found = answers.seconds(request.headers[HEADER], HEADER)
    if found < 0:
        message = "requested wrap ttl must not be negative"
        raise Invalid(message)
    return found or None


def wrapped(response: Response) -> Response:
    """Put a good answer aside in this unit of work and return what opens it; leave any other as it is."""
    seconds = seconds_asked()
    good = response.status_code in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}
    if seconds is None or not good or current_uow().actor.organization_id is None:
        return response
    content = response.get_data()
    inner = _inner(json.loads(content)) if content else None
    path = safe_path().removeprefix("/v1/")
    return told(wrapping.wrap(current_uow(), content, seconds, path=path, inner=inner))


def _inner(content: dict[str, Any]) -> str | None:
    """Return the accessor of a token or a secret id that is inside."""
    auth, data = content.get("auth"), content.get("data")
    if isinstance(auth, dict):
        return str(auth.get("accessor"))
    accessor = data.get("secret_id_accessor") if isinstance(data, dict) else None
    return accessor if isinstance(accessor, str) else None


def told(made: Wrap) -> Response:
    """Answer with the token that opens a wrapped answer."""
    about = {
        "token": made.text,
        "accessor": str(made.id),
        "ttl": made.seconds,
        "creation_time": answers.time(made.created_at),
        "creation_path": made.path,
    }
    return answers.envelope(wrap_info=about | ({"wrapped_accessor": made.inner} if made.inner else {}))
