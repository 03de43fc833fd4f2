"""The headers that every answer carries, whatever was asked and however it ended."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from extensions import limiter
from services import actors, health
from tests.addresses import fill
from tests.web.conftest import METRICS_TOKEN, PUBLIC

POLICY = {
    "default-src": ["'none'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "manifest-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
    "object-src": ["'none'"],
    "require-trusted-types-for": ["'script'"],
    "trusted-types": ["'none'"],
    "report-to": ["csp"],
    "report-uri": ["/csp-report"],
}
FEATURES = {"camera", "microphone", "geolocation", "payment", "usb", "browsing-topics", "clipboard-read"}


def read_policy(text: str) -> dict[str, list[str]]:
    parts = (part.split() for part in text.split(";"))
    return {name: values for name, *values in parts}


def check_headers(answer: TestResponse, *, https: bool = True) -> None:
    """Hold one answer to every rule."""
    headers = answer.headers
    policy = read_policy(headers["Content-Security-Policy"])
    nonce = policy.pop("script-src")
    assert policy == POLICY
    assert re.fullmatch(r"'nonce-[A-Za-z0-9_-]{32}'", nonce[0])
    assert len(nonce) == 1
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Reporting-Endpoints"] == 'csp="/csp-report"'
    allowed = dict(entry.split("=", 1) for entry in headers["Permissions-Policy"].split(", "))
    assert {name for name, value in allowed.items() if value == "()"} == FEATURES
    assert headers["Server"] == "chatelaine"
    assert ("Strict-Transport-Security" in headers) is https
    kind = headers.get("Content-Type", "")
    # What clients of another server compare with is exactly its type.
    if kind.startswith(("text/", "application/")) and not answer.request.path.startswith("/v1/"):
        assert kind.endswith("charset=utf-8"), kind
    if answer.request.path.startswith("/static/") and answer.status_code < 400:
        assert headers["Cache-Control"] != "no-store"
    else:
        assert headers["Cache-Control"] == "no-store"
    assert not {"Access-Control-Allow-Origin", "X-XSS-Protection", "X-Powered-By"} & set(headers.keys())


@pytest.fixture
def production(make_app) -> Any:
    return make_app(
        production=True, METRICS_TOKEN=METRICS_TOKEN, SECURITY_CONTACT="mailto:security@example.org"
    )


def test_every_route_sends_every_header_to_strangers_and_to_people(production, sign_in, world):
    nobody, alice = sign_in(production), sign_in(production, "alice")
    rules = list(production.url_map.iter_rules())
    assert len(rules) > 15

    for browser in (nobody, alice):
        for rule in rules:
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                answer = browser.client.open(
                    fill(rule, world),
                    method=method,
                    base_url=PUBLIC,
                    environ_base={"REMOTE_ADDR": "192.0.2.3"},
                )
                check_headers(answer)
                answer.close()


def break_down(error: type[BaseException] | BaseException) -> Callable[..., Any]:
    def fail(*_args: object, **_values: object) -> None:
        raise error

    return fail


def cases(app: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, TestResponse]]:
    """Yield an answer for every status that there is a page for."""
    ask = {"base_url": PUBLIC}
    yield 200, client.get("/sign-in", **ask)
    yield 200, client.get("/static/app.css", **ask)
    yield 206, client.get("/static/app.css", headers={"Range": "bytes=0-9"}, **ask)
    first = client.get("/static/app.css", **ask)
    yield 304, client.get("/static/app.css", headers={"If-None-Match": first.headers["ETag"]}, **ask)
    first.close()
    yield 302, client.get("/account", **ask)
    yield 400, client.post("/sign-in", data={"token": "x"}, **ask)
    yield 400, client.get("/sign-in?a=1&a=2", **ask)
    yield 400, client.get("/sign-in", base_url="https://evil.example")
    yield (
        403,
        client.get(
            "/static/app.css", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, **ask
        ),
    )
    yield 404, client.get("/nothing", **ask)
    yield 404, client.get("/static/nothing.css", **ask)
    yield 405, client.delete("/sign-in", **ask)
    yield 401, client.get("/api/v1/items", **ask)
    yield 413, client.post("/csp-report", data=b"x" * 20_000, content_type="application/csp-report", **ask)
    yield 415, client.post("/csp-report", data=b"x", content_type="text/plain", **ask)
    yield 422, client.post("/csp-report", data=b"x", content_type="application/csp-report", **ask)
    yield 410, client.get("/enrol", **ask)
    with monkeypatch.context() as broken:
        broken.setattr(actors, "find_person", break_down(RecursionError))
        with client.session_transaction(base_url=PUBLIC) as session:
            session["sid"] = "x"
        yield 500, client.get("/account", **ask)
    with monkeypatch.context() as broken:
        broken.setattr(health, "readiness", break_down(OperationalError("", {}, Exception("locked"))))
        yield 503, client.get("/readyz", **ask)
    with monkeypatch.context() as full:
        full.setattr(limiter.storage, "incr", lambda *_args, **_values: 10_000)
        yield 429, client.get("/sign-in", **ask)


def test_every_status_carries_every_header(production, monkeypatch):
    seen = set()
    for status, answer in cases(production, production.test_client(), monkeypatch):
        assert answer.status_code == status
        check_headers(answer)
        answer.close()
        seen.add(status)

    assert seen >= {200, 206, 302, 304, 400, 401, 403, 404, 405, 410, 413, 415, 422, 429, 500, 503}


def test_a_hundred_answers_have_a_hundred_nonces_of_128_bits(app, browser):
    nobody = browser()
    nonces = set()
    for _ in range(100):
        page = nobody.open("/sign-in")
        nonce = re.search(r"'nonce-([^']+)'", page.answer.headers["Content-Security-Policy"])[1]
        assert {script["nonce"] for script in page.select("script")} == {nonce}
        nonces.add(nonce)

    assert len(nonces) == 100
    assert min(len(base64.urlsafe_b64decode(nonce)) for nonce in nonces) >= 16


@pytest.mark.parametrize("seconds", ["300", "86400", "2592000", "31536000"])
def test_hsts_says_what_the_settings_say(make_app, sign_in, seconds):
    app = make_app(production=True, SECURE_HSTS_SECONDS=seconds)

    answer = sign_in(app).open("/sign-in").answer

    assert answer.headers["Strict-Transport-Security"] == f"max-age={seconds}"


def test_hsts_reaches_subdomains_and_preload_lists_only_when_told_to(make_app, sign_in):
    app = make_app(production=True, SECURE_HSTS_SUBDOMAINS="true", SECURE_HSTS_PRELOAD="true")

    answer = sign_in(app).open("/sign-in").answer

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


def test_there_is_no_hsts_on_this_machine_nor_when_it_is_switched_off(app, make_app, browser, sign_in):
    answer = browser().open("/sign-in").answer
    check_headers(answer, https=False)

    off = make_app(production=True, SECURE_HSTS_SECONDS="0")
    check_headers(sign_in(off).open("/sign-in").answer, https=False)


def test_report_only_sends_the_policy_under_the_other_name(make_app, sign_in):
    headers = sign_in(make_app(production=True, CSP_REPORT_ONLY="true")).open("/sign-in").answer.headers

    assert "Content-Security-Policy" not in headers
    policy = read_policy(headers["Content-Security-Policy-Report-Only"])
    assert policy["default-src"] == ["'none'"]
    assert policy["report-uri"] == ["/csp-report"]


def test_embedding_sites_take_the_place_of_the_frame_refusal(make_app, sign_in):
    headers = (
        sign_in(make_app(production=True, EMBED_ORIGINS="https://huggingface.co"))
        .open("/sign-in")
        .answer.headers
    )

    policy = read_policy(headers["Content-Security-Policy"])
    assert policy["frame-ancestors"] == ["https://huggingface.co"]
    assert "X-Frame-Options" not in headers


def test_the_last_application_made_does_not_decide_for_the_others(make_app, sign_in):
    """Talisman keeps its settings on itself, so each application has one of its own."""
    strict = make_app(production=True)
    make_app(production=True, EMBED_ORIGINS="https://huggingface.co", CSP_REPORT_ONLY="true")

    check_headers(sign_in(strict).open("/sign-in").answer)


def test_a_static_file_is_kept_for_good_under_the_address_that_names_its_content(app, browser):
    nobody = browser()
    address = next(link["href"] for link in nobody.open("/sign-in").select("link[rel=stylesheet]"))
    assert "?v=" in address

    kept = nobody.open(address).answer.headers["Cache-Control"]
    assert kept == "public, max-age=31536000, immutable"
    for other in ("/static/app.css", "/static/app.css?v=00000000", "/static/icons.LICENSE?v="):
        assert nobody.open(other).answer.headers["Cache-Control"] == "no-cache"
    assert nobody.open("/static/x.css?v=1", status=404).answer.headers["Cache-Control"] == "no-store"


def test_a_page_made_to_look_like_a_file_is_not_kept(browser, world):
    mia = browser("mia")
    item = world.items["Stripe dashboard"]
    for ending in ("/x.css", ";x.css", "%2fx.css", "/../../static/app.css"):
        page = mia.open(f"/o/northwind/items/{item}{ending}", status=404)
        assert page.answer.headers["Cache-Control"] == "no-store"


def test_the_session_cookie_is_bound_to_this_host_and_to_https(make_app, sign_in, world):
    nobody = sign_in(make_app(production=True))
    nobody.open("/sign-in")
    answer = nobody.client.post(
        "/sign-in",
        data={"csrf_token": nobody.csrf(), "token": world.tokens["mia"]},
        base_url=PUBLIC,
        headers={"Referer": f"{PUBLIC}/sign-in"},
    )

    (cookie,) = answer.headers.getlist("Set-Cookie")
    name, _, rest = cookie.partition("=")
    parts = {part.strip().lower() for part in rest.split(";")[1:]}
    assert name == "__Host-chatelaine"
    assert parts == {"secure", "httponly", "samesite=lax", "path=/"}
    assert len(cookie) < 4096


def test_an_embedded_session_cookie_is_partitioned(make_app, sign_in):
    app = make_app(production=True, EMBED_ORIGINS="https://huggingface.co")

    (cookie,) = sign_in(app).open("/sign-in").answer.headers.getlist("Set-Cookie")

    assert {"Secure", "SameSite=None", "Partitioned"} <= {part.strip() for part in cookie.split(";")}


def test_no_origin_is_ever_allowed_to_read_across(browser):
    for origin in ("https://evil.example", "null", "http://localhost.evil.example", "http://localhost"):
        headers = browser().open("/sign-in", Origin=origin).answer.headers
        assert not [name for name, _ in headers if name.lower().startswith("access-control-")]


def test_static_files_are_the_same_for_everybody(browser):
    nobody, alice = browser(), browser("alice")
    for name in ("app.js", "vault.js", "app.css"):
        assert nobody.open(f"/static/{name}").text == alice.open(f"/static/{name}").text
