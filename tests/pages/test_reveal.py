"""Revealing and copying: the value, its event, and who gets neither."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from crypto.otp import code_at, parse_otp
from errors import Unavailable
from services.contents import Field, Kind
from tests.world import PASSWORD, SEED, login


def shown(page, field):
    return page.select_one(f'[data-field="{field}"]').get_text()


def test_a_value_is_shown_without_script_on_the_page_itself(browser, primary, trail):
    rhea = browser("rhea")
    page = rhea.open(primary)
    assert shown(page, "password") == "••••••••••"

    page = rhea.submit("reveal-password")

    assert shown(page, "password") == PASSWORD
    assert shown(page, "notes") == "••••••••••"
    assert page.answer.headers["Cache-Control"] == "no-store"
    event = trail.one("item.revealed")
    assert (event["actor"], event["target"], event["success"]) == ("Rhea", "prod/db primary", True)
    assert event["extra"] == {"field": "Password", "version": 1}
    assert event["target_id"] in primary


def test_a_script_gets_the_value_as_json(browser, primary, trail):
    rhea = browser("rhea")
    rhea.open(primary)

    answer = rhea.json("reveal-password")

    assert answer == {"field": "password", "value": PASSWORD, "kind": "text"}
    assert len(trail.events("item.revealed")) == 1


def test_copying_is_an_event_of_its_own(browser, primary, trail):
    rhea = browser("rhea")
    rhea.open(primary)

    assert rhea.json("copy-password")["value"] == PASSWORD

    assert trail.one("item.copied")["extra"]["field"] == "Password"
    assert trail.events("item.revealed") == []


def test_no_event_holds_a_value(browser, primary, trail):
    mia = browser("mia")
    mia.open(primary)
    mia.json("reveal-password")
    mia.json("copy-totp")
    mia.json("reveal-totp-seed")

    told = repr(trail.events())
    assert PASSWORD not in told
    assert SEED not in told


def test_an_authenticator_shows_its_code_and_the_seconds_that_are_left(browser, primary, trail):
    moment = (datetime.now(UTC) + timedelta(days=1)).replace(second=13, microsecond=0)
    code = code_at(parse_otp(SEED), int(moment.timestamp()))
    with time_machine.travel(moment, tick=False):
        rhea = browser("rhea")
        rhea.open(primary)
        answer = rhea.json("reveal-totp")
        page = rhea.submit("reveal-totp")

    assert answer == {"field": "totp", "value": code, "kind": "otp", "seconds": 17}
    assert shown(page, "totp") == code
    assert page.select_one('[data-field="totp"]')["data-seconds"] == "17"
    assert page.select_one("noscript p").get_text() == "The code of TOTP is good for 17 more seconds."
    assert SEED not in str(page)
    assert [event["extra"]["field"] for event in trail.events("item.revealed")] == ["TOTP", "TOTP"]


def test_the_seed_itself_is_for_those_who_may_edit(browser, primary, trail):
    mia = browser("mia")
    mia.open(primary)

    assert mia.json("reveal-totp-seed") == {"field": "totp seed", "value": SEED, "kind": "text"}
    assert trail.one("item.revealed")["extra"]["field"] == "TOTP seed"

    rhea = browser("rhea")
    rhea.open(primary)
    rhea.json("reveal-totp", status=403, field="totp seed")
    assert len(trail.events("item.revealed")) == 1
    assert trail.one("access.denied")["actor"] == "Rhea"


def test_a_field_of_ones_own_may_be_called_like_a_seed(browser, add, trail):
    (item_id,) = add(
        login(
            "odd",
            fields=(Field("TOTP", Kind.OTP, SEED), Field("totp seed", Kind.HIDDEN, "mine", custom=True)),
        )
    )
    mia = browser("mia")
    page = mia.open(f"/o/northwind/items/{item_id}")

    assert len(page.select('[data-field="totp seed"]')) == 1
    assert mia.json("reveal-totp-seed")["value"] == "mine"


@pytest.mark.parametrize("act", ["reveal", "copy"])
@pytest.mark.parametrize(("who", "status"), [("ula", 403), ("noah", 404), ("adam", 404), ("mallory", 404)])
def test_who_may_not_reveal_gets_nothing_and_the_attempt_is_recorded(
    browser, primary, trail, act, who, status
):
    visitor = browser(who)
    visitor.open("/account")

    page = visitor.post(f"{primary}/{act}", {"csrf_token": visitor.csrf(), "field": "password"}, status)

    assert PASSWORD not in str(page)
    assert trail.one("access.denied")["extra"]["permission"] == "item:reveal"
    assert trail.events("item.revealed") == trail.events("item.copied") == []


def test_the_script_is_told_in_one_sentence(browser, primary, world):
    rhea = browser("rhea")
    rhea.open(primary)
    answer = rhea.json("reveal-password", status=404, field="no such field")

    assert set(answer) >= {"error"}


def test_an_empty_field_has_nothing_to_reveal(browser, add):
    (item_id,) = add(login("bare", fields=()))
    rhea = browser("rhea")
    page = rhea.open(f"/o/northwind/items/{item_id}")

    assert page.select("[data-reveal]") == []
    rhea.post(f"/o/northwind/items/{item_id}/reveal", {"csrf_token": rhea.csrf(), "field": "password"}, 404)


def test_a_post_without_the_token_of_a_form_reveals_nothing(browser, primary, trail):
    rhea = browser("rhea")
    rhea.open(primary)

    page = rhea.post(primary + "/reveal", {"field": "password"}, 400)

    assert PASSWORD not in str(page)
    assert trail.events("item.revealed") == []


def test_sixty_reveals_a_minute_are_enough(browser, primary, trail):
    rhea = browser("rhea")
    rhea.open(primary)
    for _ in range(60):
        rhea.json("reveal-password")

    answer = rhea.json("reveal-password", status=429)

    assert "error" in answer
    assert len(trail.events("item.revealed")) == 60
    assert rhea.json("copy-password")["value"] == PASSWORD


def test_nothing_is_revealed_when_the_event_cannot_be_stored(browser, primary, runtime, monkeypatch):
    rhea = browser("rhea")
    rhea.open(primary)

    def refuse(*_arguments):
        raise Unavailable

    monkeypatch.setattr(runtime.committer, "submit", refuse)
    answer = rhea.json("reveal-password", status=503)

    assert PASSWORD not in str(answer)


def test_a_value_that_cannot_be_decrypted_is_named_as_such(browser, world, primary, runtime, trail):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE item_version SET details = zeroblob(80) WHERE item_id = ?",
            (world.items["prod/db primary"].hex,),
        )
    rhea = browser("rhea")
    rhea.open(primary)

    answer = rhea.json("reveal-password", status=409)
    page = rhea.submit("reveal-password", 409)

    assert "cannot be decrypted (key " in answer["error"]
    assert "cannot be decrypted" in page.words
    assert trail.events("item.revealed") == []
    assert {event["success"] for event in trail.events("decryption.failed")} == {False}
    assert len(trail.events("decryption.failed")) == 2


def test_two_people_who_reveal_are_two_events(browser, primary, trail):
    for who in ("rhea", "mia"):
        somebody = browser(who)
        somebody.open(primary)
        somebody.json("reveal-password")

    assert [event["actor"] for event in trail.events("item.revealed")] == ["Rhea", "Mia"]
