"""The security headers: Talisman's, and those that it does not know."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Any, cast

from flask import Flask, Response, current_app, g, request
from flask_talisman import Talisman

from blueprints import file_answers
from blueprints.file_answers import FileAnswer
from blueprints.requests import for_vault_clients, request_id
from config import Settings

REPORT_PATH = "/csp-report"
POLICY = {
    "default-src": "'none'",
    "script-src": "",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
    "report-to": "csp",
}
OTHERS = (
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Reporting-Endpoints", f'csp="{REPORT_PATH}"'),
    ("Server", "chatelaine"),
)
"""Those that Talisman does not know and that are always the same."""
PERMISSIONS = {
    "camera": "()",
    "microphone": "()",
    "geolocation": "()",
    "payment": "()",
    "usb": "()",
    "browsing-topics": "()",
    "clipboard-read": "()",
    "clipboard-write": "(self)",
    "publickey-credentials-get": "(self)",
    "publickey-credentials-create": "(self)",
}
FRAMED_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors "
)
"""Of the one page that may stand inside somebody else's; who that is comes last."""
HOST_OF_SPACES = "https://huggingface.co"
YEAR = 365 * 24 * 60 * 60
NONCE_BYTES = 24
MARK = "{nonce}"
"""Stands for the nonce where headers are put together."""


class Headers(Talisman):  # type: ignore[misc]
    """Talisman, with all headers put together once: nothing but the nonce differs from answer to answer."""

    def init_app(self, app: Flask, **options: Any) -> None:
        """Take Talisman's options; none of them can be changed for a single view here."""
        self._made: dict[bool, list[tuple[str, str]]] = {}
        super().init_app(app, **options)

    def _force_https(self) -> None:
        """Do nothing: blueprints/screen.py leads to https."""

    def _make_nonce(self) -> None:
        g.nonce = token_urlsafe(NONCE_BYTES)

    def _get_nonce(self) -> str:
        return cast("str", g.get("nonce", ""))

    def _set_response_headers(self, response: Response) -> Response:
        secure = request.is_secure
        made = self._made.get(secure)
        if made is None:
            made = self._made[secure] = self._make()
        nonce = self._get_nonce()
        for name, value in made:
            response.headers.add(name, value.replace(MARK, nonce) if MARK in value else value)
        return response

    def _make(self) -> list[tuple[str, str]]:
        """Let Talisman write its headers for a nonce that the others are put in the place of."""
        answer = Response()
        answer.headers.clear()
        request.csp_nonce = MARK  # type: ignore[attr-defined]
        super()._set_response_headers(answer)
        return [*answer.headers, *OTHERS]


def init_app(app: Flask, settings: Settings) -> None:
    """Send every answer with the headers that keep browsers from what no page of ours needs."""
    policy = dict(POLICY)
    if settings.embed_origins:
        policy["frame-ancestors"] = " ".join(settings.embed_origins)
    in_space = settings.sources.get("PUBLIC_URL") == "SPACE_HOST"
    framed_policy = FRAMED_POLICY + (HOST_OF_SPACES if in_space else "'none'")

    # What is registered first runs last: this sees what Talisman has set.
    @app.after_request
    def complete(response: Response) -> Response:
        if "framed" in g:
            response.headers["Content-Security-Policy"] = framed_policy
            response.headers.pop("Content-Security-Policy-Report-Only", None)
            response.headers.pop("X-Frame-Options", None)
        if isinstance(response, FileAnswer):
            response.headers["Content-Security-Policy"] = file_answers.POLICY
        return _complete(response)

    Headers(
        app,
        # blueprints/screen.py leads to https: Talisman would believe any stranger's X-Forwarded-Proto,
        # follow the Host that was asked for, and turn a POST into a GET.
        force_https=False,
        session_cookie_secure=settings.is_production,
        session_cookie_samesite=app.config["SESSION_COOKIE_SAMESITE"],
        strict_transport_security=settings.hsts_seconds > 0,
        strict_transport_security_max_age=settings.hsts_seconds,
        strict_transport_security_include_subdomains=settings.secure_hsts_subdomains,
        strict_transport_security_preload=settings.secure_hsts_preload,
        content_security_policy=policy,
        content_security_policy_nonce_in=["script-src"],
        content_security_policy_report_only=settings.csp_report_only,
        content_security_policy_report_uri=REPORT_PATH,
        referrer_policy="same-origin",
        permissions_policy=", ".join(f"{feature}={sites}" for feature, sites in PERMISSIONS.items()),
        frame_options=None if settings.embed_origins else "DENY",
        x_xss_protection=False,
    )


def _complete(response: Response) -> Response:
    headers = response.headers
    headers.add("X-Request-ID", request_id())
    headers["Cache-Control"] = _caching(response)
    kind = headers.get("Content-Type", "")
    # Clients of that API compare the type before they look into an error.
    if kind and "charset=" not in kind and _is_text(response.mimetype or "") and not for_vault_clients():
        headers["Content-Type"] = f"{kind}; charset=utf-8"
    return response


def _caching(response: Response) -> str:
    """Let a static file be kept for good under the address that names its content, nothing else at all."""
    if request.endpoint != "static" or response.status_code not in {200, 206, 304}:
        return "no-store"
    mark = request.args.get("v")
    if mark is not None and mark == _mark_of((request.view_args or {})["filename"]):
        return f"public, max-age={YEAR}, immutable"
    return "no-cache"


def _mark_of(name: str) -> str | None:
    try:
        address: str = current_app.jinja_env.globals["asset"](name)  # type: ignore[operator]
    except KeyError:
        return None
    return address.rpartition("?v=")[2]


def _is_text(mimetype: str) -> bool:
    return mimetype.startswith("text/") or mimetype.endswith(("json", "xml", "javascript"))
