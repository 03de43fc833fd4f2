"""Second factors: set up, with codes for the day when they are lost, taken away, and asked of everybody."""

from __future__ import annotations

import re
from datetime import timedelta

import segno

from crypto.otp import parse_otp
from models import Factor, RecoveryCode
from policy import Scope
from services import api_tokens
from services import factor_queries as queries
from tests.browser import Browser
from tests.pages.conftest import MISSING
from tests.pages.factors import CODE, FACTOR, App, is_in, set_up

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
        program = api_tokens.issue(uow, "job", [Scope.ITEMS_LIST], timedelta(days=1)).text
    headers = {"Authorization": f"Bearer {program}"}
    assert strict.test_client().get("/api/v1/items", headers=headers).status_code == 200
