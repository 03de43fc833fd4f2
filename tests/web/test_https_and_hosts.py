"""How a request may come: over https, under our name, believed only as far as proxies were announced."""

from __future__ import annotations

import pytest

from tests.trail import Trail
from tests.web.conftest import METRICS_TOKEN, PUBLIC

HTTP = "http://vault.example.org"


@pytest.fixture
def production(make_app):
    return make_app(production=True, METRICS_TOKEN=METRICS_TOKEN)


@pytest.mark.parametrize("path", ["/sign-in", "/", "/no/such/page", "/account?tab=1", "/static/app.css"])
def test_readers_are_led_to_https_under_the_public_address(production, path):
    answer = production.test_client().get(path, base_url=HTTP)

    assert answer.status_code == 301
    assert answer.headers["Location"] == PUBLIC + path
    assert "Strict-Transport-Security" not in answer.headers


def test_a_form_that_came_without_https_is_refused_and_changes_nothing(production, world):
    trail = Trail(production.extensions["chatelaine"])
    answer = production.test_client().post(
        "/sign-in", base_url=HTTP, data={"token": world.tokens["mia"]}, headers={"Referer": f"{HTTP}/sign-in"}
    )

    assert answer.status_code == 400
    assert "https only" in answer.get_data(as_text=True)
    assert trail.actions() == []


def test_programs_are_never_led_to_https(production):
    """A redirect would hide that the token went over the wire in the clear."""
    answer = production.test_client().get(
        "/api/v1/items", base_url=HTTP, headers={"Authorization": "Bearer chl_api_x"}
    )

    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("host", ["vault.example.org", "10.1.2.3:7860", "localhost", "evil.example"])
def test_monitors_may_ask_by_any_name_and_without_https(production, path, host):
    answer = production.test_client().get(
        path, base_url=f"http://{host}", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
    )

    assert answer.status_code == 200
    assert host not in answer.get_data(as_text=True)


def test_nothing_on_this_machine_leads_to_https(browser):
    browser().open("/sign-in")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "vault.example.org.evil.example", "evil.example:443", "vault.example.org@evil.example"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_another_name_is_refused_before_any_redirect(production, scheme, host):
    answer = production.test_client().get("/sign-in", base_url=f"{scheme}://x", headers={"Host": host})

    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "evil" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Original-Host", "Forwarded", "X-Host"])
def test_no_header_but_host_names_the_host(production, header):
    answer = production.test_client().get(
        "/account",
        base_url=PUBLIC,
        headers={header: "host=evil.example" if header == "Forwarded" else "evil.example"},
    )

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in")


def stated(address: str = "9.9.9.9") -> dict[str, str]:
    """What a stranger may claim about themselves."""
    return {
        "X-Forwarded-For": address,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Port": "1",
        "X-Real-IP": address,
        "Forwarded": f"for={address};proto=https;host=evil.example",
        "True-Client-IP": address,
    }


def failed_signin(app, base_url: str, headers: dict[str, str], peer: str) -> str:
    """Sign in with a wrong token; return the address that the event names."""
    client = app.test_client()
    origin = {"base_url": base_url, "environ_base": {"REMOTE_ADDR": peer}}
    page = client.get("/sign-in", headers=headers, **origin).get_data(as_text=True)
    token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    trail = Trail(app.extensions["chatelaine"])
    answer = client.post(
        "/sign-in",
        data={"csrf_token": token, "token": "wrong"},
        headers={"Referer": f"{PUBLIC}/sign-in", **headers},
        **origin,
    )
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return trail.one("signin.failed")["address"]


def test_without_announced_proxies_nothing_that_is_claimed_is_believed(production):
    assert failed_signin(production, PUBLIC, stated(), "192.0.2.1") == "192.0.2.1"


def test_claimed_https_is_not_https(production):
    answer = production.test_client().get("/sign-in", base_url=HTTP, headers=stated())

    assert answer.status_code == 400
    assert "Set TRUSTED_PROXIES" in answer.get_data(as_text=True)
    assert "Strict-Transport-Security" not in answer.headers


def test_one_announced_proxy_is_believed_and_nobody_behind_it(make_app):
    app = make_app(production=True, TRUSTED_PROXIES="1")
    headers = {
        "X-Forwarded-For": "9.9.9.9, 198.51.100.7",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "9.9.9.9",
    }

    assert failed_signin(app, HTTP, headers, "10.0.0.1") == "198.51.100.7"


def test_two_announced_proxies_are_believed_two_hops_far(make_app):
    app = make_app(production=True, TRUSTED_PROXIES="2")
    headers = {
        "X-Forwarded-For": "9.9.9.9, 198.51.100.7, 10.0.0.2",
        "X-Forwarded-Proto": "https, http",
    }

    assert failed_signin(app, HTTP, headers, "10.0.0.1") == "198.51.100.7"


def test_an_announced_proxy_that_says_http_leads_to_https(make_app):
    app = make_app(production=True, TRUSTED_PROXIES="1")

    answer = app.test_client().get("/sign-in", base_url=HTTP, headers={"X-Forwarded-Proto": "http"})

    assert answer.headers["Location"] == f"{PUBLIC}/sign-in"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000"])
def test_on_this_machine_every_loopback_name_works(app, host):
    assert app.test_client().get("/sign-in", base_url=f"http://{host}").status_code == 200
