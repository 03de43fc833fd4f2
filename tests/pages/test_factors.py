"""Second factors: set up, asked for at every sign-in, used once, taken away, and never got round."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import segno
import time_machine

from crypto.otp import parse_otp
from models import Factor, RecoveryCode
from policy import Scope
from services import factor_queries as queries
from services import factors, tokens
from tests.browser import Browser
from tests.pages.conftest import MISSING

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
FACTOR = "/account/factor"
CODE = "/sign-in/code"


@pytest.fixture
def clock(app):
    """Noon, standing still; tests move it on."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def come_in(app, world):
    """Sign in with the token alone, and end where that leads."""

    def come_in(name, status=200, app=app, address="192.0.2.10"):
        person = Browser(app, address)
        person.open("/sign-in")
        person.submit("sign-in", status, token=world.tokens[name])
        return person

    return come_in


class App:
    """An authenticator app on somebody's telephone, with the recovery codes beside it."""

    def __init__(self, seed):
        self.seed = seed
        self.recovery = []

    def code(self):
        return pyotp.TOTP(self.seed).at(datetime.now(UTC))

    def wrong(self):
        return f"{(int(self.code()) + 1) % 10**6:06}"


def set_up(person):
    """Set up an app through the pages, as a person does who types the key."""
    person.open(FACTOR)
    page = person.submit("set-up")
    app = App(page.select_one("#seed").get_text().replace(" ", ""))
    page = person.submit("confirm-app", code=app.code())
    app.recovery = [line.get_text() for line in page.select(".codes li")]
    return app


@pytest.fixture
def mia(clock, come_in):
    """Mia with an app, signed in and through."""
    person = come_in("mia")
    person.phone = set_up(person)
    clock.shift(timedelta(minutes=1))
    return person


def is_in(person):
    person.open("/account")
    return person.path == "/account"


# Setting up


def test_an_app_counts_once_its_first_code_has_come(clock, come_in, trail):
    mia = come_in("mia")
    mia.open(FACTOR)
    page = mia.submit("set-up")
    picture = page.select_one("svg.qr")
    assert picture["viewbox"].startswith("0 0 ")
    assert picture.select_one("path:not(.paper)")["d"].startswith("M4 4h1v1h-1z")
    phone = App(page.select_one("#seed").get_text().replace(" ", ""))
    assert len(phone.seed) == 32

    assert come_in("mia").path.startswith("/o/northwind")
    page = mia.submit("confirm-app", 422, code=phone.wrong())
    assert page.select_one("#code-error")
    assert page.select_one("#seed").get_text().replace(" ", "") == phone.seed
    page = mia.submit("confirm-app", code=phone.code())

    codes = [line.get_text() for line in page.select(".codes li")]
    assert [code.partition("-")[0] for code in codes] == [str(number) for number in range(1, 11)]
    assert all(re.fullmatch(r"\d+(-[0-9A-HJKMNP-TV-Z]{4}){4}", code) for code in codes)
    assert is_in(mia)
    assert come_in("mia").path == f"{CODE}?next=/o/northwind/"
    assert [a for a in trail.actions() if a.startswith(("factor", "recovery"))] == [
        "factor.added",
        "recovery.made",
    ]


def test_the_picture_holds_what_the_key_says(clock, come_in, monkeypatch):
    pictured = []
    make = segno.make
    monkeypatch.setattr(
        "blueprints.factors.segno.make", lambda text, **how: pictured.append(text) or make(text, **how)
    )
    mia = come_in("mia")
    mia.open(FACTOR)
    page = mia.submit("set-up")
    otp = parse_otp(pictured[0])
    assert (otp.issuer, otp.account) == ("Chatelaine", "mia@northwind.example")
    assert otp.seed == parse_otp(page.select_one("#seed").get_text()).seed


def test_nothing_of_a_factor_is_readable_in_the_database(mia, runtime, database):
    seed = mia.phone.seed.encode()
    codes = [code.partition("-")[2].encode() for code in mia.phone.recovery]
    content = b"".join(path.read_bytes() for path in database.parent.glob("chatelaine.db*"))
    assert not any(
        secret in content for secret in (seed, *codes, *(code.replace(b"-", b"") for code in codes))
    )
    with runtime.work(writing=False) as uow:
        assert all(row.hash.startswith("$argon2id$") for row in uow.session.query(RecoveryCode))


def test_another_app_takes_the_place_of_the_first(mia, clock, come_in):
    first = mia.phone
    second = set_up(mia)
    clock.shift(timedelta(minutes=1))
    desk = come_in("mia")
    desk.submit("second-factor", 422, code=first.code())
    desk.submit("second-factor", 422, code=first.recovery[0])
    desk.submit("second-factor", code=second.code())
    assert is_in(desk)


def test_an_offer_that_was_never_made_is_not_confirmed(clock, come_in):
    mia = come_in("mia")
    mia.open("/account")
    mia.post(f"{FACTOR}/confirm", {"csrf_token": mia.csrf(), "code": "123456"}, 409)


def test_setting_up_asks_for_a_confirmation_when_the_last_is_old(clock, come_in):
    mia = come_in("mia")
    clock.shift(timedelta(minutes=6))
    mia.open(FACTOR)
    mia.submit("set-up")
    assert mia.path.startswith("/account/confirm")


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


# Recovery


def test_a_recovery_code_lets_in_once_and_the_next_page_says_so(mia, come_in, trail):
    code = mia.phone.recovery[2]
    desk = come_in("mia")
    page = desk.submit("second-factor", code=code.lower().replace("-", " ").replace(" ", "-", 1))
    assert "A recovery code was used. 9 are left" in page.words
    assert trail.one("recovery.used")["extra"] == {"left": 9}
    come_in("mia").submit("second-factor", 422, code=code)


def test_new_recovery_codes_end_the_old_ones(mia, come_in):
    mia.open(FACTOR)
    page = mia.press("Make new ones")
    fresh = [line.get_text() for line in page.select(".codes li")]
    assert not set(fresh) & set(mia.phone.recovery)
    desk = come_in("mia")
    desk.submit("second-factor", 422, code=mia.phone.recovery[0])
    desk.submit("second-factor", code=fresh[0])


def test_there_are_no_recovery_codes_without_an_app(clock, come_in):
    mia = come_in("mia")
    mia.open("/account")
    mia.post(f"{FACTOR}/codes", {"csrf_token": mia.csrf()}, 409)


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


# Taking away


def test_a_person_removes_their_own_and_comes_in_by_token_again(mia, come_in, trail):
    mia.open(FACTOR)
    mia.press("Remove")
    assert come_in("mia").path.startswith("/o/northwind")
    assert trail.actions().count("factor.removed") == 1
    mia.post(f"{FACTOR}/remove", {"csrf_token": mia.csrf()}, 409)


def test_an_admin_removes_it_and_the_person_starts_anew_by_a_link(mia, come_in, world, trail):
    """The old token alone is worth nothing then: nobody can set up an app in their place."""
    adam = come_in("adam")
    adam.open(f"/o/northwind/people/{world.members['mia']}")
    page = adam.submit("remove-factor")
    link = page.select_one("input[readonly]")["value"]

    mia.open("/account")
    assert mia.path.startswith("/sign-in")
    come_in("mia", 422)
    assert trail.one("factor.removed")["actor_id"] == str(world.people["adam"])
    assert trail.one("session.ended")["extra"] == {"reason": "second factor removed"}

    anew = Browser(mia.client.application)
    anew.open(link.removeprefix("http://127.0.0.1:8000"))
    token = anew.submit("enrol").select_one("[readonly]")["value"]
    anew.open("/sign-in")
    anew.submit("sign-in", token=token)
    assert is_in(anew)


def test_only_an_owner_removes_an_owner_s(clock, come_in, world):
    alice, adam = come_in("alice"), come_in("adam")
    set_up(alice)
    adam.open("/account")
    form = {"csrf_token": adam.csrf()}
    adam.post(f"/o/northwind/people/{world.members['alice']}/factor/remove", form, 403)
    adam.post(f"/o/northwind/people/{MISSING}/factor/remove", form, 404)


def test_who_has_none_has_none_to_remove(clock, come_in, world):
    adam = come_in("adam")
    page = adam.open(f"/o/northwind/people/{world.members['mia']}")
    assert not page.select("#remove-factor")
    adam.post(f"/o/northwind/people/{world.members['mia']}/factor/remove", {"csrf_token": adam.csrf()}, 409)


def test_whoever_is_disabled_comes_back_without_the_old_app(mia, come_in, world, runtime):
    adam = come_in("adam")
    adam.open(f"/o/northwind/people/{world.members['mia']}")
    adam.submit("disable")
    with runtime.work(writing=False) as uow:
        assert uow.session.query(Factor).all() == []
        assert uow.session.query(RecoveryCode).all() == []


def test_what_compares_and_sets_does_so_once(mia, runtime):
    """Where many write at once, this alone keeps two from taking the same code."""
    with runtime.work(writing=True) as uow:
        app = uow.session.query(Factor).one()
        step = {"factor_id": app.id, "step": app.last_step + 1, "new_step": app.last_step + 1, "none": 0}
        spend = {"code_id": uow.session.query(RecoveryCode).first().id, "now": uow.now}
        for statement, values in ((queries.TAKE_STEP, step), (queries.SPEND_CODE, spend)):
            assert [uow.connection.execute(statement, values).rowcount for _ in range(3)] == [1, 0, 0]


# Where everybody must have one


@pytest.fixture
def strict(app):
    """An installation with REQUIRE_2FA."""
    runtime = app.extensions["chatelaine"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "rules", type(runtime.rules)(second_factor=True))
        yield app


def test_who_has_none_is_led_to_set_it_up_and_can_do_nothing_else(strict, clock, come_in):
    mia = come_in("mia")
    assert mia.path == FACTOR
    assert "everybody signs in with a second factor" in mia.page.words
    for path in ("/account", "/o/northwind/", "/o/northwind/vaults", "/account/token"):
        mia.open(path)
        assert mia.path == FACTOR
    phone = set_up(mia)
    mia.open("/o/northwind/vaults")
    assert mia.path == "/o/northwind/vaults"
    page = mia.open(FACTOR)
    assert "Remove" not in [button.get_text(strip=True) for button in page.select("button")]
    mia.post(f"{FACTOR}/remove", {"csrf_token": mia.csrf()}, 409)
    clock.shift(timedelta(minutes=1))
    come_in("mia").submit("second-factor", code=phone.code())


def test_who_is_led_there_can_leave(strict, clock, come_in):
    mia = come_in("mia")
    mia.submit("sign-out")
    assert mia.path == "/sign-in"


def test_a_stale_session_confirms_before_it_sets_up(strict, clock, come_in, world):
    mia = come_in("mia")
    clock.shift(timedelta(minutes=6))
    mia.open(FACTOR)
    mia.submit("set-up")
    assert mia.path.startswith("/account/confirm")
    mia.submit("confirm", token=world.tokens["mia"])
    assert mia.path == FACTOR


def test_programs_need_no_code(strict, mia, runtime, world):
    with runtime.work(writing=True, actor=world.actor("rhea")) as uow:
        program = tokens.issue_api(uow, "job", [Scope.ITEMS_LIST], timedelta(days=1)).text
    headers = {"Authorization": f"Bearer {program}"}
    assert strict.test_client().get("/api/v1/items", headers=headers).status_code == 200
