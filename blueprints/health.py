"""What machines and watchful people ask of the installation as a whole."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from blueprints.guard import public
from blueprints.requests import metrics, runtime, settings
from crypto.tokens import same
from extensions import address, limiter, rate_of, uncounted
from services import clock, health

bp = Blueprint("health", __name__)

CONTACT_LASTS = timedelta(days=180)
"""How far ahead security.txt says that it holds; RFC 9116 section 2.5.5 asks for less than a year."""
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


@bp.get("/healthz")
@uncounted
@public(anonymous=True)
def live() -> Response:
    """Say that the process answers, and look at nothing else."""
    return _lines(["ok"])


@bp.get("/readyz")
@limiter.limit(rate_of("RATE_HEALTH"), key_func=address)
@public(anonymous=True)
def ready() -> tuple[Response, int]:
    """Say whether the process can do its work; the words tell a stranger nothing of use."""
    findings = health.readiness(runtime())
    lines = [f"{finding.name}: {finding.words or 'ok'}" for finding in findings]
    well = all(finding.well for finding in findings)
    return _lines(lines), HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE


@bp.get("/metrics")
@limiter.limit(rate_of("RATE_HEALTH"), key_func=address)
@public(anonymous=True)
def show_metrics() -> Response:
    """Show the figures to whoever has the operator's METRICS_TOKEN; without one there is no such page."""
    token = settings().metrics_token
    if token is None:
        raise NotFound
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not same(presented.strip().encode(), token.encode()):
        refused = {"WWW-Authenticate": 'Bearer realm="metrics"'}
        return Response("This is for the monitoring system.\n", 401, refused, content_type=EXPOSITION)
    return Response(metrics().exposition(), content_type=EXPOSITION)


@bp.get("/.well-known/security.txt")
@public(anonymous=True)
def security_text() -> Response:
    """Say where to report a weakness (RFC 9116)."""
    public_url = settings().public_url
    expires = (clock.now() + CONTACT_LASTS).replace(microsecond=0)
    return _lines(
        [
            f"Contact: {_contact()}",
            f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
            f"Policy: {public_url}{url_for('health.security_policy')}",
            f"Canonical: {public_url}{url_for('health.security_text')}",
            "Preferred-Languages: en",
        ]
    )


@bp.get("/security")
@public(anonymous=True)
def security_policy() -> ResponseReturnValue:
    """Say what happens to a report."""
    return render_template("health/security.html", contact=_contact())


def _contact() -> str:
    contact = settings().security_contact
    if contact is None:
        raise NotFound
    return contact


def _lines(lines: list[str]) -> Response:
    return Response("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")
