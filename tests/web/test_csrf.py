"""Forms are sent by the pages they stand on, or they change nothing; and nothing else changes anything."""

from __future__ import annotations

import pytest

import blueprints
from models import Action
from tests.addresses import fill
from tests.web.conftest import PUBLIC
from tests.web.dump import dump

SAFE = {"GET", "HEAD", "OPTIONS"}


def unsafe_routes(app):
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods - SAFE)
        # No cookie is looked at below /v1/: tests/clients says so.
        if rule.endpoint not in blueprints.WITHOUT_CSRF and not rule.rule.startswith("/v1/")
    ]


@pytest.fixture
def walk(app, world, runtime, browser):
    """Send something to every unsafe route as Alice, who may do nearly all; expect 400 and no change."""

    def send(headers=None, **form):
        alice = browser("alice")
        alice.open("/account")
        if form.get("csrf_token") == "her own":
            form["csrf_token"] = alice.csrf()
        before = dump(runtime)
        routes = unsafe_routes(app)
        assert len(routes) >= 7
        for rule, method in routes:
            answer = alice.client.open(
                fill(rule, world),
                method=method,
                data=form,
                base_url="http://localhost",
                headers=headers or {},
            )
            assert answer.status_code == 400, (rule, answer.status_code)
        assert dump(runtime) == before

    return send


def test_without_a_token(walk):
    walk()


def test_with_a_token_that_is_none(walk):
    walk(csrf_token="IjEyMzQ1Njc4OTAi.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")


def test_with_the_token_of_another_session(walk, browser):
    mia = browser("mia", address="192.0.2.99")
    mia.open("/account")

    walk(csrf_token=mia.csrf())


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "https://localhost",
        "http://localhost:81",
        "http://localhost@evil.example",
        "",
    ],
)
def test_with_a_good_token_from_another_origin(walk, origin):
    walk({"Origin": origin}, csrf_token="her own")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something new"])
def test_with_a_good_token_from_another_site(walk, site):
    walk({"Sec-Fetch-Site": site}, csrf_token="her own")


def test_a_token_from_before_the_sign_in_is_worth_nothing_after_it(app, world, browser):
    nobody = browser()
    nobody.open("/sign-in")
    early = nobody.csrf()
    nobody.submit("sign-in", token=world.tokens["mia"])

    nobody.post("/sign-out", {"csrf_token": early}, status=400)


def test_the_page_s_own_form_is_taken(browser):
    mia = browser("mia")
    mia.open("/account")
    mia.post(
        "/account/sessions/end-others",
        {"csrf_token": mia.csrf()},
        200,
        Origin="http://localhost",
        Sec_Fetch_Site="same-origin",
    )


def test_the_public_address_is_our_own_origin_behind_a_proxy_that_hides_the_port(make_app, sign_in):
    app = make_app(production=True)
    mia = sign_in(app, "mia")
    mia.open("/account")

    mia.post("/account/sessions/end-others", {"csrf_token": mia.csrf()}, 200, Origin=PUBLIC)


def test_over_https_a_form_without_its_page_s_address_is_refused(make_app, sign_in):
    app = make_app(production=True)
    mia = sign_in(app, "mia")
    mia.open("/account")

    mia.post("/account/sessions/end-others", {"csrf_token": mia.csrf()}, 400, Referer="https://evil.example/")


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_is_no_form_carries_no_token(browser, runtime, kind):
    mia = browser("mia")
    mia.open("/account")
    before = dump(runtime)
    answer = mia.client.post(
        "/account/sessions/end-others",
        data=f"csrf_token={mia.csrf()}",
        content_type=kind,
        base_url="http://localhost",
    )

    assert answer.status_code == 400
    assert dump(runtime) == before


@pytest.mark.parametrize("name", ["alice", "adam", "mia", "audrey", None])
def test_looking_at_things_changes_nothing(app, world, runtime, browser, name):
    """Every address that is only read, by several people; the log may say what they were refused."""
    visitor = browser(name)
    if name is not None:
        visitor.open("/account")
    before = dump(runtime)
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in rule.methods]
    for rule in rules:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = visitor.client.open(fill(rule, world), method=method, base_url="http://localhost")
            assert answer.status_code < 500, rule
            answer.close()

    assert dump(runtime) == before


def test_only_refusals_are_recorded_of_safe_requests(app, world, browser, trail):
    alice = browser("alice")
    alice.open("/account")
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods:
            alice.client.get(fill(rule, world), base_url="http://localhost").close()

    allowed = {Action.SESSION_STARTED, Action.ACCESS_DENIED, Action.AUDIT_EXPORTED, Action.TOKEN_EXPORTED}
    assert set(trail.actions()) <= allowed
