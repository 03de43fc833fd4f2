"""Signing in and confirming with a second factor: asked for every time, used once, and never got round."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from models import Factor
from services import factors
from tests.browser import Browser
from tests.pages.factors import CODE, FACTOR, is_in, set_up

# Signing in


def test_the_token_alone_opens_nothing_but_the_page_for_the_code_and_the_way_out(mia, come_in, world):
    thief = come_in("mia", address="198.51.100.66")
    assert thief.path.startswith(CODE)
    for path in (
        "/",
        "/account",
        FACTOR,
        "/account/token",
        "/account/confirm",
        "/o/northwind/",
        "/o/northwind/vaults",
    ):
        thief.open(path)
        assert thief.path.startswith(CODE), path
    thief.open(CODE)
    token = thief.csrf()
    for path in (
        f"{FACTOR}/new",
        f"{FACTOR}/remove",
        f"{FACTOR}/codes",
        "/account/token",
        "/account/confirm",
    ):
        thief.post(path, {"csrf_token": token}, 302)
    thief.open(CODE)
    thief.submit("sign-out")
    assert thief.path == "/sign-in"


def test_a_script_without_its_second_factor_is_told_so(mia, come_in):
    desk = come_in("mia")
    answer = desk._send("GET", "/o/northwind/vaults", headers={"Accept": "application/json"})
    assert answer.status_code == 401


def test_a_good_code_leads_to_where_one_wanted_to_go_with_another_cookie(mia, come_in, trail):
    desk = come_in("mia")
    desk.open("/o/northwind/vaults")
    with desk.client.session_transaction() as session:
        before = session["sid"]
    desk.submit("second-factor", code=f" {mia.phone.code()[:3]} {mia.phone.code()[3:]} ")
    assert desk.path == "/o/northwind/vaults"
    with desk.client.session_transaction() as session:
        assert session["sid"] != before
    assert trail.actions()[-1] == "factor.passed"


def test_the_cookie_from_before_the_code_is_worth_nothing(mia, come_in):
    desk = come_in("mia")
    cookie = desk.client.get_cookie("chatelaine").value
    desk.submit("second-factor", code=mia.phone.code())
    copy = Browser(desk.client.application, "198.51.100.66")
    copy.client.set_cookie("chatelaine", cookie)
    copy.open("/account")
    assert copy.path.startswith("/sign-in?")


def test_a_session_waits_five_minutes_for_the_code(mia, clock, come_in):
    desk = come_in("mia")
    clock.shift(timedelta(minutes=4, seconds=59))
    desk.open(CODE)
    assert desk.path == CODE
    clock.shift(timedelta(seconds=1))
    desk.open(CODE)
    assert desk.path.startswith("/sign-in?")


def test_a_session_from_before_the_app_ends_with_it(clock, come_in):
    old, new = come_in("mia"), come_in("mia")
    clock.shift(timedelta(minutes=4))
    set_up(new)
    clock.shift(timedelta(minutes=2))
    assert not is_in(old)
    assert is_in(new)


@pytest.mark.parametrize(("seconds", "status"), [(-1, 422), (0, 200), (29, 200), (59, 200), (60, 422)])
def test_a_code_is_good_for_its_half_minute_and_the_one_after(mia, clock, come_in, seconds, status):
    code = mia.phone.code()
    clock.shift(timedelta(seconds=seconds))
    come_in("mia").submit("second-factor", status, code=code)


def test_a_code_is_taken_once(mia, come_in):
    code = mia.phone.code()
    come_in("mia").submit("second-factor", code=code)
    again = come_in("mia")
    page = again.submit("second-factor", 422, code=code)
    assert "was used before" in page.words


def test_of_many_that_come_together_with_one_code_one_is_let_in(mia, come_in):
    code = mia.phone.code()
    desks = [come_in("mia", address=f"198.51.100.{number}") for number in range(8)]
    form = [{"csrf_token": desk.csrf(), "code": code} for desk in desks]

    def try_code(number):
        return desks[number]._send("POST", CODE, data=form[number]).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(try_code, range(8)))
    assert statuses == [302] + [422] * 7


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345",
        "1234567",
        "abcdef",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "0-0000-0000-0000-0000",
        "99-A",
    ],
)
def test_what_is_no_code_is_refused_beside_the_field(mia, come_in, typed):
    page = come_in("mia").submit("second-factor", 422, code=typed)
    assert page.select_one("#code-error")


def test_twenty_wrong_codes_in_a_row_end_the_app_and_a_recovery_code_still_helps(mia, clock, come_in, trail):
    desk = come_in("mia")
    for number in range(factors.FAILURES_MAX):
        clock.shift(timedelta(seconds=10))
        desk.open(CODE)
        desk.submit("second-factor", 422, code=mia.phone.wrong())
        assert trail.events("factor.failed")[-1]["extra"]["reason"] == (
            "disabled" if number == 19 else "wrong"
        )
    desk.submit("second-factor", 422, code=mia.phone.code())
    desk.submit("second-factor", code=mia.phone.recovery[4])
    assert is_in(desk)
    fresh = set_up(desk)
    clock.shift(timedelta(minutes=1))
    come_in("mia").submit("second-factor", code=fresh.code())


def test_a_good_code_ends_the_row_of_wrong_ones(mia, clock, runtime, come_in):
    desk = come_in("mia")
    for _ in range(3):
        desk.submit("second-factor", 422, code=mia.phone.wrong())
    desk.submit("second-factor", code=mia.phone.code())
    with runtime.work(writing=False) as uow:
        assert [app.failures for app in uow.session.query(Factor)] == [0]


# Confirming


def test_a_confirmation_asks_for_a_code_and_not_for_the_token(mia, clock, world):
    clock.shift(timedelta(minutes=6))
    page = mia.open("/account/token")
    assert mia.path.startswith("/account/confirm")
    assert not page.select("#token")
    mia.submit("confirm", 422, code=mia.phone.wrong())
    mia.submit("confirm", code=mia.phone.code())
    assert mia.path == "/account/token"
    mia.post("/account/confirm", {"csrf_token": mia.csrf(), "token": world.tokens["mia"]}, 422)
