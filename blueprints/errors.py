"""Every failure as an answer: one table from what happened to a status and words that say what to do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import urlsplit

from flask import Flask, Response, flash, json, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from werkzeug.exceptions import HTTPException, MethodNotAllowed, UnsupportedMediaType

import errors
from blueprints import vault_answers
from blueprints.requests import API_PREFIX, for_vault_clients, local_path, request_id, wants_json
from extensions import limiter
from services import clock

log = logging.getLogger("chatelaine.errors")

Shown = tuple[str | Response, int, dict[str, str]]
RETRY_AFTER = 5
"""Seconds after which a refused request is worth repeating."""


@dataclass(frozen=True, slots=True)
class Words:
    """What an error page says."""

    title: str
    message: str


WORDS: Mapping[int, Words] = {
    400: Words("That request was not understood", "Go back, load the page again and repeat what you did."),
    401: Words("You are not signed in", "Sign in and try again."),
    403: Words(
        "You may not do that",
        "You can see this, but your rights do not reach that far. Ask somebody who manages it.",
    ),
    404: Words(
        "There is nothing here",
        "Either the address is wrong, or the thing is gone, or it was not shared with you.",
    ),
    405: Words("That cannot be done here", "Go back to the page and use its buttons."),
    408: Words("That took too long", "The request did not arrive whole in time. Try again."),
    409: Words("Something has changed meanwhile", "Load the page again and repeat what you did."),
    410: Words("This link no longer works", "Ask whoever gave it to you for a new one."),
    412: Words("Something has changed meanwhile", "Look at it anew and repeat what you did."),
    413: Words("That is too large", "Shorten what you sent and try again."),
    415: Words("That kind of content is not accepted", "Send a form or JSON, as the page does."),
    422: Words("Some of that cannot be accepted", "Check what you entered and try again."),
    428: Words("Say which version you mean", "Send the version that you have seen in If-Match."),
    429: Words("Too many requests", "Wait a while before you try again."),
    500: Words(
        "Something went wrong on our side", "Nothing was changed. Try again; if it stays, tell an admin."
    ),
    503: Words("Chatelaine is busy", "Nothing was changed. Try again in a few seconds."),
}

STATUS: Mapping[type[errors.ChatelaineError], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Denied: HTTPStatus.FORBIDDEN,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    errors.PreconditionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    errors.Undecryptable: HTTPStatus.CONFLICT,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NoOrganization: HTTPStatus.INTERNAL_SERVER_ERROR,
}

NOTHING_MORE: Mapping[str, object] = MappingProxyType({})


def register(app: Flask) -> None:
    """Answer failures in the product's look, and never with more than the words above."""
    # _show_fault does, without the raw path that Flask would name.
    app.log_exception = lambda _exc_info: None  # type: ignore[assignment, method-assign]
    app.register_error_handler(errors.SignInRequired, _ask_to_sign_in)
    app.register_error_handler(errors.StepUpRequired, _ask_to_confirm)
    app.register_error_handler(errors.TokenMustBeReplaced, _ask_to_replace)
    app.register_error_handler(errors.SecondFactorRequired, _ask_for_code)
    app.register_error_handler(errors.SecondFactorMissing, _ask_to_add)
    app.register_error_handler(errors.ChatelaineError, _show_failure)
    app.register_error_handler(OperationalError, _show_busy)
    app.register_error_handler(NoConnectionLeft, _show_busy)
    app.register_error_handler(RateLimitExceeded, _show_throttled)
    app.register_error_handler(CSRFError, _show_csrf)
    app.register_error_handler(HTTPException, _show_http)
    app.register_error_handler(HTTPStatus.INTERNAL_SERVER_ERROR, _show_fault)


def show(
    status: int,
    message: str | None = None,
    *,
    title: str | None = None,
    retry_after: int | None = None,
    more: Mapping[str, object] = NOTHING_MORE,
) -> Shown:
    """Answer with *status*: a page, or JSON for those who ask for it.

    Args:
        more: further members of a problem that a program is told.
    """
    words = WORDS.get(status, WORDS[500 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400])
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if for_vault_clients():
        return vault_answers.failed(status, message or words.message), status, headers
    text, title = message or words.message, title or words.title
    if request.path.startswith(API_PREFIX):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": text}
        headers["Content-Type"] = "application/problem+json"
        return json.dumps({**problem, "request": request_id(), **more}), status, headers
    if wants_json():
        return jsonify(error=text, status=status, request=request_id()), status, headers
    page = render_template(
        "errors/error.html",
        status=status,
        title=title,
        message=text,
        request_id=request_id(),
        retry_after=retry_after,
    )
    return page, status, headers


def _ask_to_sign_in(_error: errors.SignInRequired) -> ResponseReturnValue:
    if for_vault_clients():
        return vault_answers.denied()
    if wants_json():
        answer, status, headers = show(HTTPStatus.UNAUTHORIZED)
        fault = ', error="invalid_token"' if "Authorization" in request.headers else ""
        return answer, status, {**headers, "WWW-Authenticate": f'Bearer realm="chatelaine"{fault}'}
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("signin.show", next=back if back != "/" else None))


def _ask_to_confirm(_error: errors.StepUpRequired) -> ResponseReturnValue:
    back = request.full_path.rstrip("?") if request.method == "GET" else _referring_path()
    return redirect(url_for("account.confirm", next=back))


def _referring_path() -> str | None:
    """Return the page that a refused form stands on, if it is one of ours."""
    referrer = urlsplit(request.referrer or "")
    return local_path(referrer.path) if referrer.netloc == request.host else None


def _ask_to_replace(_error: errors.TokenMustBeReplaced) -> ResponseReturnValue:
    flash("This was a first token. Make your own before you go on.", "warning")
    return redirect(url_for("account.replace_token"))


def _ask_for_code(_error: errors.SecondFactorRequired) -> ResponseReturnValue:
    if wants_json():
        return show(HTTPStatus.UNAUTHORIZED)
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("signin.code", next=back if back != "/" else None))


def _ask_to_add(_error: errors.SecondFactorMissing) -> ResponseReturnValue:
    flash("Here everybody signs in with a second factor. Set up yours before you go on.", "warning")
    return redirect(url_for("factors.show"))


def _show_failure(error: errors.ChatelaineError) -> ResponseReturnValue:
    if for_vault_clients():
        answer = vault_answers.failure(error)
        if answer is not None:
            return answer
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if isinstance(error, errors.TooManyRequests):
        log.warning("too many requests from %s", request.remote_addr)
        return show(status, retry_after=error.retry_after, more=_figures(error))
    if isinstance(error, errors.ReadOnly):
        return show(status, str(error), title="Nothing can be changed now")
    if isinstance(error, errors.Unavailable):
        return show(status, retry_after=RETRY_AFTER)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("fault in request %s", request_id(), exc_info=error)
        return show(status)
    if isinstance(error, errors.Undecryptable):
        words = f"It {error}: it was altered, or its key is gone. This was recorded; tell an admin."
        return show(status, words, title="This cannot be decrypted")
    closed = isinstance(error, errors.OrganizationClosed)
    of_program = request.path.startswith(API_PREFIX)
    words = error.PLAIN if of_program and isinstance(error, errors.NameTaken) else str(error)
    shown = show(status, words or None, title="This organization is suspended" if closed else None)
    if isinstance(error, errors.Denied) and of_program:
        shown[2]["WWW-Authenticate"] = 'Bearer realm="chatelaine", error="insufficient_scope"'
    return shown


def _figures(error: errors.TooManyRequests) -> dict[str, object]:
    """Say how much was used of how much, and when it begins anew."""
    return {
        "error": WORDS[HTTPStatus.TOO_MANY_REQUESTS].title,
        "limit": error.limit,
        "used": error.used,
        "reset_in_hours": round(error.retry_after / 3600, 4),
    }


def _show_busy(error: OperationalError | NoConnectionLeft) -> ResponseReturnValue:
    log.error("the database did not answer request %s", request_id(), exc_info=error)
    return show(HTTPStatus.SERVICE_UNAVAILABLE, retry_after=RETRY_AFTER)


def _show_throttled(_error: RateLimitExceeded) -> ResponseReturnValue:
    log.warning("too many requests from %s", request.remote_addr)
    reached = limiter.current_limit
    # Flask-Limiter counts to the second after the end of the window.
    wait = reached.reset_at - 1 - clock.now().timestamp() if reached else RETRY_AFTER
    return show(HTTPStatus.TOO_MANY_REQUESTS, retry_after=max(1, round(wait)))


def _show_csrf(_error: CSRFError) -> ResponseReturnValue:
    log.warning("form without a good CSRF token from %s", request.remote_addr)
    message = "The page was open too long, or you signed out. Load it again and repeat what you did."
    return show(HTTPStatus.BAD_REQUEST, message)


def _show_http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    own = error.description if for_vault_clients() and isinstance(error, UnsupportedMediaType) else None
    answer, status, headers = show(error.code or HTTPStatus.INTERNAL_SERVER_ERROR, own)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers = {**headers, "Allow": ", ".join(sorted(set(error.valid_methods) - {"HEAD", "OPTIONS"}))}
    return answer, status, headers


def _show_fault(error: Exception) -> ResponseReturnValue:
    original = getattr(error, "original_exception", None)
    log.error("fault in request %s", request_id(), exc_info=original or error)
    return show(HTTPStatus.INTERNAL_SERVER_ERROR)
