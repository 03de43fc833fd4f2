"""What is turned away before any view sees it, because no page, program or person of ours would send it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Request, Response, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed, NotFound, RequestEntityTooLarge, SecurityError

import blueprints
from blueprints.declared import SAFE_METHODS, SMALL_BODY, access_of
from blueprints.errors import show
from blueprints.requests import PROGRAMS, for_vault_clients, settings
from blueprints.wsgi import MACHINE_PATHS, UNBELIEVED

HEAD_TOO = frozenset({"static", "health.live", "health.ready", "sys_status.health"})
"""Where HEAD is answered: files, and what monitors ask that want the status alone."""

_FRAMES = frozenset({"iframe", "frame", "embed", "object"})
_OWN_SITES = frozenset({"same-origin", "none", ""})
_PROGRAMS = frozenset({"empty", ""})
"""Destinations of a request that a program, or a script by ``fetch``, sends."""


def init_app(app: Flask) -> None:
    """Screen every request."""
    app.before_request(screen)


def screen() -> ResponseReturnValue | None:
    """Let the request pass every check, in their order; the first that answers ends it."""
    # The request itself: each look through Flask's stand-in for it takes longer than most checks.
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Werkzeug documents it
    for check in _CHECKS:
        answer = check(asked)
        if answer is not None:
            return answer
    return None


def _refuse_unknown_host(request: Request) -> Response | None:
    """Before all else: nothing that is answered may hang on a host that was made up."""
    if isinstance(request.routing_exception, SecurityError):
        return _refused(400, "Chatelaine does not go by this name. Use the address that you were given.")
    return None


def _refuse_odd_characters(request: Request) -> Response | None:
    if not request.path.isprintable():
        raise NotFound
    # A browser percent-encodes everything else; parsers disagree about the rest.
    if not all(0x20 < byte < 0x7F for byte in request.query_string):  # noqa: PLR2004 - the printable ASCII
        return _refused(400, "The address holds characters that it must not hold.")
    if any("\0" in text for item in request.args.items(multi=True) for text in item):
        return _refused(400, "The address holds characters that it must not hold.")
    return None


def _insist_on_https(request: Request) -> ResponseReturnValue | None:
    """Lead readers to https in production. A form or a program that came without must notice: refuse it."""
    ours = settings()
    if not ours.is_production or request.is_secure or request.path in MACHINE_PATHS:
        return None
    if request.environ.get(UNBELIEVED):
        words = "Chatelaine was not told of the proxy in front of it. Set TRUSTED_PROXIES to 1."
        return _refused(400, words)
    if request.method not in SAFE_METHODS or request.path.startswith(PROGRAMS):
        return _refused(400, "This is served over https only. Nothing was changed.")
    return redirect(ours.public_url + request.full_path.rstrip("?"), 301)


def _refuse_repetition(request: Request) -> Response | None:
    """Which of two values counts is read differently from parser to parser."""
    if any(len(values) > 1 for _, values in request.args.lists()):
        return _refused(400, "The address names the same thing twice.")
    return None


def _refuse_undeclared_method(request: Request) -> None:
    """Flask answers HEAD wherever it answers GET; we do where it is of use."""
    rule = request.url_rule
    if rule is None:
        return
    declared = (rule.methods or set()) - {"OPTIONS"}
    if rule.endpoint not in HEAD_TOO:
        declared -= {"HEAD"}
    if request.method not in declared:
        raise MethodNotAllowed(sorted(declared))


def _refuse_embedding(request: Request) -> Response | None:
    """Other sites may lead here, not take pieces of us into their pages."""
    foreign = request.headers.get("Sec-Fetch-Site") == "cross-site"
    if foreign and request.headers.get("Sec-Fetch-Mode") == "no-cors":
        return _refused(403, "This cannot be used from another site.")
    destination = request.headers.get("Sec-Fetch-Dest", "")
    if request.path.startswith(PROGRAMS) and destination not in _PROGRAMS:
        return _refused(403, "This is for programs.")
    return None


def _offer_own_tab(request: Request) -> ResponseReturnValue | None:
    """Show nothing but a link when asked for inside a frame that was not allowed for."""
    ours = settings()
    if ours.embed_origins or request.headers.get("Sec-Fetch-Dest") not in _FRAMES:
        return None
    g.framed = True
    status = 200 if request.method == "GET" else 403
    return render_template("framed.html", address=ours.public_url + "/"), status


def _refuse_foreign_forms(request: Request) -> Response | None:
    """A form of another site, whatever token it carries: what browsers say of it is enough."""
    if request.method in SAFE_METHODS or request.endpoint in blueprints.WITHOUT_CSRF or for_vault_clients():
        return None
    own = {settings().public_url, f"{request.scheme}://{request.host}"}
    site = request.headers.get("Sec-Fetch-Site", "")
    if site not in _OWN_SITES or request.headers.get("Origin", request.host_url.rstrip("/")) not in own:
        return _refused(400, "This form was sent from another site. Nothing was changed.")
    return None


def _limit_body(request: Request) -> None:
    access = access_of(request.endpoint)
    most = access.body_max if access else SMALL_BODY
    request.max_content_length = request.max_form_memory_size = most
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge


def _refused(status: int, message: str) -> Response:
    return make_response(show(status, message))


_CHECKS: tuple[Callable[[Request], ResponseReturnValue | None], ...] = (
    _refuse_unknown_host,
    _refuse_odd_characters,
    _insist_on_https,
    _refuse_repetition,
    _refuse_undeclared_method,
    _refuse_embedding,
    _offer_own_tab,
    _refuse_foreign_forms,
    _limit_body,
)
