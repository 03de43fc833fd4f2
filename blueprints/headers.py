"""The security headers: Talisman's, and those that it does not know."""

from __future__ import annotations

from flask import Flask, Response, request

from config import Settings
from extensions import talisman

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
}
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


def init_app(app: Flask, settings: Settings) -> None:
    """Send every answer with the headers that keep browsers from what no page of ours needs."""
    policy = dict(POLICY)
    if settings.embed_origins:
        policy["frame-ancestors"] = " ".join(settings.embed_origins)
    talisman.init_app(
        app,
        force_https=settings.is_production,
        force_https_permanent=True,
        session_cookie_secure=settings.is_production,
        session_cookie_samesite=app.config["SESSION_COOKIE_SAMESITE"],
        strict_transport_security=settings.hsts_seconds > 0,
        strict_transport_security_max_age=settings.hsts_seconds,
        strict_transport_security_include_subdomains=settings.secure_hsts_subdomains,
        strict_transport_security_preload=settings.secure_hsts_preload,
        content_security_policy=policy,
        content_security_policy_nonce_in=["script-src"],
        content_security_policy_report_only=settings.csp_report_only,
        content_security_policy_report_uri="/csp-report",
        referrer_policy="same-origin",
        permissions_policy=PERMISSIONS,
        frame_options=None if settings.embed_origins else "DENY",
        x_xss_protection=False,
    )
    app.after_request(_add_others)


def _add_others(response: Response) -> Response:
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if not request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    return response
