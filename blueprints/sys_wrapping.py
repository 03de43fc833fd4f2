"""Wrapping: putting an answer aside for whoever presents a token first."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, request
from flask.typing import ResponseReturnValue

from blueprints import vault_answers as answers
from blueprints import wrap_answers
from blueprints.declared import ITEM_BODY
from blueprints.guard import public, requires
from blueprints.requests import current_uow
from errors import Invalid, TooManyRequests
from extensions import address, limiter, rate
from policy import Permission
from services import wrapping

bp = answers.blueprint("sys_wrapping")

ATTEMPTS = "RATE_UNWRAP"
"""To open or look at wrapped answers, from one address."""


@bp.route("/sys/wrapping/wrap", methods=answers.WRITES)
@requires(Permission.TOKEN_SELF, program=True, max_body=ITEM_BODY)
def wrap() -> ResponseReturnValue:
    """Wrap what is sent."""
    if wrap_answers.seconds_asked() is None:
        message = "endpoint requires response wrapping to be used"
        raise Invalid(message)
    return answers.envelope(answers.body(exact=True))


@bp.route("/sys/wrapping/unwrap", methods=answers.WRITES)
@public(writes=True, anonymous=True)
def unwrap() -> ResponseReturnValue:
    """Give out what was wrapped, as it was, once."""
    _count()
    content = wrapping.unwrap(current_uow(), _text())
    if not content:
        return answers.nothing()
    return Response(content, HTTPStatus.OK, content_type=answers.JSON)


@bp.route("/sys/wrapping/lookup", methods=answers.WRITES)
@public(writes=False, anonymous=True)
def look_up() -> ResponseReturnValue:
    """Tell where a wrapped answer comes from, without opening it."""
    _count()
    found = wrapping.look_up(current_uow(), _text())
    return answers.envelope(
        {
            "creation_ttl": found.seconds,
            "creation_time": answers.time(found.created_at),
            "creation_path": found.path,
        }
    )


@bp.route("/sys/wrapping/rewrap", methods=answers.WRITES)
@public(writes=True, anonymous=True)
def rewrap() -> ResponseReturnValue:
    """Put what was wrapped under a new token."""
    _count()
    return wrap_answers.told(wrapping.rewrap(current_uow(), _text()))


def _text() -> str:
    """Return the token that is meant: the one in the body, else the one that the request comes with."""
    shown = answers.body().get("token")
    return str(shown) if shown else request.headers.get("X-Vault-Token", "")


def _count() -> None:
    limit = rate(ATTEMPTS)
    if not limiter.hit(limit, address(), "wrapping"):
        raise TooManyRequests(limit.get_expiry())
