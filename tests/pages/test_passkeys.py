"""Passkeys: added under a name, used as the second factor and to confirm, taken away, and never fooled."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from models import Passkey, RecoveryCode
from services.rules import PASSKEYS_PER_PERSON
from tests.authenticator import PRESENT, Device, to_text
from tests.browser import Browser
from tests.pages.factors import CODE, FACTOR, is_in, set_up
from tests.pages.passkeys import CONFIRM, NEW, add, asked, reasons, rows, use, with_passkey


@pytest.fixture
def mia(clock, come_in):
    """Mia with a passkey, signed in and through."""
    return with_passkey(come_in)


# Adding


def test_the_first_factor_brings_recovery_codes_and_another_cookie(clock, come_in, trail):
    mia, elsewhere = come_in("mia"), come_in("mia")
    before = mia.client.get_cookie("chatelaine").value
    add(mia, name="  My   telephone ")
    assert len(mia.page.select(".codes li")) == 10
    assert mia.client.get_cookie("chatelaine").value != before
    assert is_in(mia)
    assert not is_in(elsewhere)
    assert [a for a in trail.actions() if a.startswith(("factor", "recovery"))] == [
        "factor.added",
        "recovery.made",
    ]
    assert trail.one("factor.added")["extra"] == {"kind": "passkey", "name": "My telephone"}


def test_another_one_leaves_the_recovery_codes_as_they_are(mia, runtime):
    add(mia, name="Laptop")
    assert "The passkey is added" in mia.page.words
    assert not mia.page.select(".codes li")
    assert [code.used_at for code in rows(runtime, RecoveryCode)] == [None] * 10


def test_a_list_shows_them_and_my_account_points_out_the_new_ones(mia, clock):
    clock.shift(timedelta(minutes=1))
    add(mia, Device(synced=True), name="Password manager")
    page = mia.open(FACTOR)
    telephone, manager = (" ".join(one.get_text(" ").split()) for one in page.select(".keys li"))
    assert telephone == "Telephone On one device Added 1 min ago , never used"
    assert manager == "Password manager Synced Added just now , never used"
    assert "The passkey Telephone was added 1 min ago . If that was not you" in mia.open("/account").words


def test_after_a_week_a_passkey_is_not_pointed_out_any_more(mia, clock, come_in):
    clock.shift(timedelta(days=7))
    desk = come_in("mia")
    use(desk, mia.device)
    assert "If that was not you" not in desk.open("/account").words


@pytest.mark.parametrize(
    ("lies", "reason"),
    [
        ({"origin": "https://evil.example"}, "made for another site"),
        ({"host": "evil.example"}, "made for another site"),
        ({"embedded": True}, "made for another site"),
        ({"flags": PRESENT}, "the person was not verified"),
        ({"challenge": "AAAA"}, "not what was asked, too late, or answered before"),
        ({"cose": b"\xff"}, "malformed"),
    ],
)
def test_a_passkey_that_was_not_made_here_and_now_is_not_kept(clock, come_in, runtime, trail, lies, reason):
    mia = come_in("mia")
    add(mia, status=422, **lies)
    assert "Your browser's answer was not accepted. Try again." in mia.page.words
    assert mia.page.select_one("#name")["value"] == "Telephone"
    assert rows(runtime) == []
    assert reasons(trail) == [reason]
    assert trail.one("factor.failed")["extra"]["kind"] == "passkey"
    assert come_in("mia").path.startswith("/o/northwind")


@pytest.mark.parametrize(
    "sent", ["", "{", "[]", "null", '"x"', '{"type":"public-key"}', '{"a":1,"a":2}', "\ud83d"]
)
def test_what_is_no_passkey_is_not_kept(clock, come_in, runtime, sent):
    mia = come_in("mia")
    mia.open(NEW)
    asked(mia, "add-passkey")
    mia.submit("add-passkey", 422, name="Telephone", credential=sent.encode("utf-8", "surrogatepass"))
    assert rows(runtime) == []


def test_without_script_the_page_says_what_is_missing(clock, come_in):
    mia = come_in("mia")
    page = mia.open(NEW)
    assert "Passkeys need JavaScript" in page.select_one("noscript").get_text()
    page = mia.submit("add-passkey", 422)
    assert "Your browser sent no passkey. Passkeys need JavaScript" in page.words


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "turned\u202eletters", "a\tb\0"])
def test_a_name_that_cannot_be_taken_gets_its_error_beside_the_field(clock, come_in, runtime, name):
    mia = come_in("mia")
    add(mia, name=name, status=422)
    assert mia.page.select_one("#name-error")
    assert rows(runtime) == []


def test_a_question_is_answered_once_and_within_five_minutes(clock, come_in, runtime):
    mia = come_in("mia")
    mia.open(NEW)
    question = asked(mia, "add-passkey")
    late = asked(mia, "add-passkey")
    clock.shift(timedelta(minutes=4, seconds=59))
    device = Device()
    mia.submit("add-passkey", name="first", credential=json.dumps(device.make(question)))
    mia.open(NEW)
    mia.submit("add-passkey", 422, name="again", credential=json.dumps(device.make(question)))
    clock.shift(timedelta(seconds=1))
    mia.submit("add-passkey", 422, name="late", credential=json.dumps(device.make(late)))
    assert [passkey.name for passkey in rows(runtime)] == ["first"]


def test_the_question_of_another_session_is_not_answered(clock, come_in, runtime):
    mia, noah = come_in("mia"), come_in("noah")
    mia.open(NEW)
    noah.open(NEW)
    answer = Device().make(asked(noah, "add-passkey"))
    mia.submit("add-passkey", 422, name="Telephone", credential=json.dumps(answer))
    assert rows(runtime) == []


def test_a_question_for_one_purpose_does_not_answer_another(mia, clock, trail):
    clock.shift(timedelta(minutes=6))
    mia.open(CONFIRM)
    use_question = asked(mia, "use-passkey")
    use(mia, mia.device)
    mia.open(NEW)
    question = asked(mia, "add-passkey")
    mia.submit(
        "add-passkey", 422, name="x", credential=json.dumps(Device().make({**question, **use_question}))
    )
    mia.open(CONFIRM)
    mia.submit("use-passkey", 422, credential=json.dumps(mia.device.use(question)))
    assert reasons(trail) == ["not what was asked, too late, or answered before"] * 2


def test_a_device_is_told_which_of_its_passkeys_are_kept_and_one_is_kept_once(mia, runtime):
    mia.open(NEW)
    question = asked(mia, "add-passkey")
    assert len(question["excludeCredentials"]) == 1
    assert question["excludeCredentials"][0]["id"] == to_text(mia.device.kept[0].credential_id)
    forged = Device().make(question, credential_id=mia.device.kept[0].credential_id)
    page = mia.submit("add-passkey", 409, name="Copy", credential=json.dumps(forged))
    assert "This passkey was added before." in page.words
    assert [passkey.name for passkey in rows(runtime)] == ["Telephone"]


def test_there_is_an_end_to_how_many_are_kept(mia, runtime):
    with runtime.work(writing=True) as uow:
        first = uow.session.query(Passkey).one()
        values = {column.key: getattr(first, column.key) for column in Passkey.__table__.columns}
        for number in range(1, PASSKEYS_PER_PERSON):
            uow.session.add(Passkey(**values | {"id": uuid4(), "credential_id": bytes([number])}))
    mia.open(NEW)
    assert "You have 20 passkeys" in asked(mia, "add-passkey", 409)["error"]


def test_adding_asks_for_a_confirmation_when_the_last_is_old(clock, come_in, world):
    mia = come_in("mia")
    mia.open(NEW)
    question = asked(mia, "add-passkey")
    clock.shift(timedelta(minutes=5, seconds=1))
    answer = {"name": "Telephone", "credential": json.dumps(Device().make(question))}
    mia.submit("add-passkey", **answer)
    assert mia.path.startswith(CONFIRM)
    mia.open(NEW)
    assert mia.path.startswith(CONFIRM)
    mia.submit("confirm", token=world.tokens["mia"])
    assert mia.path == NEW


def test_an_installation_without_a_name_says_that_there_can_be_none(clock, come_in, runtime, monkeypatch):
    mia = come_in("mia")
    mia.open(NEW)
    monkeypatch.setattr(runtime, "rules", replace(runtime.rules, passkeys=None))
    assert "Passkeys need an address with a name" in asked(mia, "add-passkey", 409)["error"]
    page = mia.open(NEW)
    assert not page.select("#add-passkey")
    assert "this installation is reached by an IP address" in page.words


def test_an_address_without_a_name_says_where_passkeys_work(clock, app, world, come_in):
    person = Browser(app, base_url="http://127.0.0.1:8000")
    person.open("/sign-in")
    person.submit("sign-in", token=world.tokens["mia"])
    page = person.open(NEW)
    assert not page.select("#add-passkey")
    assert page.select_one('a[href="http://localhost:8000"]')
    assert page.select_one("main").get_text().count("do not work at this address") == 1


# Names, and taking away


def page_of(person, name="Telephone"):
    """Return where one of somebody's passkeys stands."""
    links = person.open(FACTOR).select(".keys a")
    return next(link["href"] for link in links if link.get_text() == name)


def test_a_passkey_is_called_something_else(mia, trail):
    mia.open(page_of(mia))
    mia.submit("rename", 422, name=" ")
    assert mia.page.select_one("#name-error")
    mia.submit("rename", name="Old telephone")
    assert "The passkey is called Old telephone now." in mia.page.words
    assert mia.page.select_one(".keys a").get_text() == "Old telephone"
    mia.open(page_of(mia, "Old telephone"))
    mia.submit("rename", name=" Old  telephone ")
    changed = trail.one("factor.changed")
    assert changed["extra"] == {"kind": "passkey", "name": "Old telephone", "was": "Telephone"}


def test_with_the_last_factor_the_recovery_codes_go(mia, come_in, trail, runtime):
    add(mia, name="Laptop")
    mia.open(page_of(mia))
    mia.submit("remove-passkey")
    assert len(rows(runtime, RecoveryCode)) == 10
    assert come_in("mia").path.startswith(CODE)
    mia.open(page_of(mia, "Laptop"))
    mia.submit("remove-passkey")
    assert rows(runtime, RecoveryCode) == []
    assert come_in("mia").path.startswith("/o/northwind")
    removed = trail.events("factor.removed")
    assert [event["extra"]["name"] for event in removed] == ["Telephone", "Laptop"]


def test_a_passkey_that_was_removed_proves_nothing(mia, come_in):
    laptop = add(mia, name="Laptop")
    desk = come_in("mia")
    question = asked(desk, "use-passkey")
    mia.open(page_of(mia))
    mia.submit("remove-passkey")
    desk.submit("use-passkey", 422, credential=json.dumps(mia.device.use(question)))
    use(desk, laptop)


def test_the_passkey_of_another_is_not_there(mia, come_in):
    noah = come_in("noah")
    path = page_of(mia)
    noah.open(path, 404)
    noah.open("/account")
    form = {"csrf_token": noah.csrf(), "name": "mine"}
    noah.post(path, form, 404)
    noah.post(f"{path}/remove", form, 404)
    mia.open(path)


def test_naming_and_removing_ask_for_a_confirmation_when_the_last_is_old(mia, clock):
    path = page_of(mia)
    mia.open(path)
    clock.shift(timedelta(minutes=6))
    mia.submit("rename", name="x")
    assert mia.path.startswith(CONFIRM)
    mia.post(f"{path}/remove", {"csrf_token": mia.csrf()}, 302)
    assert mia.open(FACTOR).select_one(".keys a").get_text() == "Telephone"


def test_an_admin_removes_passkeys_with_the_rest(mia, come_in, world, trail, runtime):
    add(mia, name="Laptop")
    set_up(mia)
    adam = come_in("adam")
    adam.open(f"/o/northwind/people/{world.members['mia']}")
    adam.submit("remove-factor")
    assert rows(runtime) == []
    assert not is_in(mia)
    come_in("mia", 422)
    kinds = [event["extra"]["kind"] for event in trail.events("factor.removed")]
    assert kinds == ["app", "passkey", "passkey"]


def test_whoever_is_disabled_comes_back_without_passkeys(mia, come_in, world, runtime):
    adam = come_in("adam")
    adam.open(f"/o/northwind/people/{world.members['mia']}")
    adam.submit("disable")
    assert rows(runtime) == []
    assert rows(runtime, RecoveryCode) == []


def test_the_app_goes_and_the_passkey_stays(mia, come_in, clock):
    set_up(mia)
    mia.open(FACTOR)
    mia.submit("remove")
    desk = come_in("mia")
    assert desk.path.startswith(CODE)
    use(desk, mia.device)
    assert is_in(desk)
    mia.post(f"{FACTOR}/remove", {"csrf_token": mia.csrf()}, 409)


# Where everybody must have a second factor


def test_a_passkey_is_factor_enough_and_the_last_one_stays(strict, clock, come_in):
    mia = come_in("mia")
    assert mia.path == FACTOR
    device = add(mia)
    assert is_in(mia)
    path = page_of(mia)
    page = mia.open(path)
    assert not page.select("#remove-passkey")
    mia.post(f"{path}/remove", {"csrf_token": mia.csrf()}, 409)
    set_up(mia)
    mia.open(path)
    mia.submit("remove-passkey")
    page = mia.open(FACTOR)
    assert not page.select("#remove")
    mia.post(f"{FACTOR}/remove", {"csrf_token": mia.csrf()}, 409)
    desk = come_in("mia")
    assert not desk.page.select("#use-passkey")
    assert device.kept
