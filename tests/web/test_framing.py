"""Being shown inside other sites: one page with a link, unless the operator allows more."""

from __future__ import annotations

import pytest

from app import create_app
from tests import world as worlds
from tests.web.conftest import PUBLIC

FRAMES = ["iframe", "frame", "embed", "object"]


@pytest.fixture
def production(make_app):
    return make_app(production=True)


@pytest.mark.parametrize("destination", FRAMES)
@pytest.mark.parametrize("path", ["/", "/sign-in", "/o/northwind/", "/no/such/page", "/static/app.css"])
def test_a_frame_gets_a_link_and_nothing_else(production, sign_in, destination, path):
    alice = sign_in(production, "alice")

    page = alice.open(path, Sec_Fetch_Dest=destination)

    assert page.select_one("a.btn")["href"] == f"{PUBLIC}/"
    assert page.select_one("a.btn")["target"] == "_blank"
    assert page.select_one("a.btn")["rel"] == ["noopener"]
    assert not page.select("form, script, input, nav")
    assert "Alice" not in page.text


def test_the_framed_page_is_shown_by_nobody_outside_a_space(production, sign_in):
    headers = sign_in(production).open("/sign-in", Sec_Fetch_Dest="iframe").answer.headers

    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert "script-src" not in headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_in_a_space_its_host_may_show_the_framed_page_only(database):
    settings = worlds.settings_for(database, APP_ENV="production", SPACE_HOST="ada-vault.hf.space")
    app = create_app(settings)
    client = app.test_client()
    space = "https://ada-vault.hf.space"

    framed = client.get("/sign-in", base_url=space, headers={"Sec-Fetch-Dest": "iframe"})
    alone = client.get("/sign-in", base_url=space)
    app.extensions["chatelaine"].close()

    assert framed.headers["Content-Security-Policy"].endswith("frame-ancestors https://huggingface.co")
    assert "X-Frame-Options" not in framed.headers
    assert "frame-ancestors 'none'" in alone.headers["Content-Security-Policy"]
    assert alone.headers["X-Frame-Options"] == "DENY"


def test_a_form_sent_into_a_frame_changes_nothing(production, sign_in, world):
    alice = sign_in(production, "alice")
    alice.open("/account")

    alice.post("/account/sessions/end-others", {"csrf_token": alice.csrf()}, 403, Sec_Fetch_Dest="iframe")


def test_an_allowed_site_gets_the_real_page(make_app, sign_in):
    app = make_app(production=True, EMBED_ORIGINS="https://huggingface.co")

    page = sign_in(app).open("/sign-in", Sec_Fetch_Dest="iframe")

    assert page.select_one("form#sign-in")


@pytest.mark.parametrize("path", ["/", "/sign-in", "/static/app.js", "/api/v1/items", "/no/such/page"])
@pytest.mark.parametrize("destination", ["image", "script", "style", "video", ""])
def test_other_sites_cannot_take_pieces_of_us(browser, path, destination):
    browser().open(
        path, status=403, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors", Sec_Fetch_Dest=destination
    )


def test_other_sites_may_link_here(browser):
    browser().open(
        "/sign-in", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document"
    )


@pytest.mark.parametrize("destination", ["script", "style", "image", "document", "worker"])
def test_the_programs_interface_is_no_source_of_anything_else(browser, destination):
    browser().open("/api/v1/items", status=403, Sec_Fetch_Site="same-origin", Sec_Fetch_Dest=destination)
