"""Nobody is ever led to another site."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://evil.example",
    "http:/evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "/ /evil.example",
    "/\r\nLocation: https://evil.example",
    "/\x00/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "user@evil.example",
    "//user:pass@evil.example",
    "evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/\u2028/evil.example",
    "/\u202e/evil.example",
    "\u2044/evil.example",
    "",
]
HERE = ["/account", "/account?tab=1", "/o/northwind/", "/a//b", "/%2f%2fevil.example", "/o/northwind/x?y=//z"]


def lead_after_sign_in(browser, world, target):
    nobody = browser()
    nobody.open("/sign-in")
    answer = nobody.client.post(
        "/sign-in",
        data={"csrf_token": nobody.csrf(), "token": world.tokens["mia"], "next": target},
        base_url="http://localhost",
    )
    return answer.headers["Location"]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_sign_in_leads_home_instead_of_elsewhere(browser, world, target):
    location = lead_after_sign_in(browser, world, target)

    assert location == "/o/northwind/"


@pytest.mark.parametrize("target", HERE)
def test_a_sign_in_leads_back_to_where_one_wanted_to_go(browser, world, target):
    location = lead_after_sign_in(browser, world, target)

    assert location == target
    assert not urlsplit(location).netloc


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_form_does_not_carry_another_site_along(app, target):
    page = app.test_client().get("/sign-in", query_string={"next": target}).get_data(as_text=True)

    assert "evil.example" not in page


@pytest.mark.parametrize("target", ELSEWHERE)
def test_confirming_who_one_is_leads_no_further_than_home(browser, world, target):
    mia = browser("mia")
    mia.open("/account/confirm")
    answer = mia.client.post(
        "/account/confirm",
        data={"csrf_token": mia.csrf(), "token": world.tokens["mia"], "next": target},
        base_url="http://localhost",
    )

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/..", "/\\evil.example", "/\t/evil.example"]
)
def test_an_address_is_never_turned_into_another_site(browser, path):
    answer = browser().client.get("/", base_url="http://localhost", environ_overrides={"PATH_INFO": path})

    assert "Location" not in answer.headers
    assert answer.status_code == 404
