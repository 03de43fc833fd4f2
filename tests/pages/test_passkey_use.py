"""Passkeys in use: as the second factor and to confirm who one is, of here and now, and never fooled."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from models import PasskeyChallenge
from services import factors, passkey_challenges
from tests.authenticator import COPIED, PRESENT, SYNCED, VERIFIED, Device
from tests.pages.factors import CODE, is_in, set_up
from tests.pages.passkeys import CONFIRM, add, asked, reasons, rows, use, with_passkey


@pytest.fixture
def mia(clock, come_in):
    """Mia with a passkey, signed in and through."""
    return with_passkey(come_in)


# The second factor


def test_a_passkey_stands_in_for_the_code_and_leads_to_where_one_wanted_to_go(mia, come_in, trail):
    desk = come_in("mia")
    assert desk.path.startswith(CODE)
    desk.open("/o/northwind/vaults")
    before = desk.client.get_cookie("chatelaine").value
    use(desk, mia.device)
    assert desk.path == "/o/northwind/vaults"
    assert desk.client.get_cookie("chatelaine").value != before
    passed = trail.one("factor.passed")
    assert passed["extra"] == {"kind": "passkey", "name": "Telephone"}


def test_a_passkey_leads_nobody_elsewhere(mia, come_in, clock):
    desk = come_in("mia")
    form = {"csrf_token": desk.csrf(), "next": "//evil.example/"}
    for path, address in ((CODE, f"{CODE}/passkey"), (CONFIRM, f"{CONFIRM}/passkey")):
        desk.open(path)
        credential = json.dumps(mia.device.use(asked(desk, "use-passkey")))
        answer = desk._send("POST", address, data=form | {"credential": credential})
        assert answer.headers["Location"] == "/"


def test_a_recovery_code_helps_whoever_has_passkeys_alone(mia, come_in):
    desk = come_in("mia")
    page = desk.page
    assert page.select_one('label[for="code"]').get_text() == "Recovery code"
    desk.submit("second-factor", 422, code="123456")
    desk.submit("second-factor", code=mia.recovery[0])
    assert is_in(desk)


@pytest.mark.parametrize(
    ("lies", "reason"),
    [
        ({"origin": "https://evil.example"}, "made for another site"),
        ({"host": "evil.example"}, "made for another site"),
        ({"embedded": True}, "made for another site"),
        ({"flags": PRESENT}, "the person was not verified"),
        ({"flags": VERIFIED}, "wrong signature"),
        ({"kind": "webauthn.create"}, "wrong signature"),
        ({"challenge": "AAAA"}, "not what was asked, too late, or answered before"),
        ({"flags": PRESENT | VERIFIED | SYNCED | COPIED}, "another kind of passkey than it was"),
        ({"handle": b"somebody else..."}, "another person's passkey"),
    ],
)
def test_a_use_that_is_not_of_here_and_now_proves_nothing(mia, come_in, trail, lies, reason):
    desk = come_in("mia")
    page = use(desk, mia.device, 422, **lies)
    assert "This passkey was not accepted" in page.select_one("[data-passkey-trouble]").get_text()
    assert not is_in(desk)
    assert reasons(trail) == [reason]
    use(come_in("mia"), mia.device)


@pytest.mark.parametrize(
    "sent", ["", "{", "[]", "null", '{"type":"public-key","rawId":"AA"}', '{"a":1,"a":2}']
)
def test_what_is_no_use_of_a_passkey_proves_nothing(mia, come_in, sent):
    desk = come_in("mia")
    desk.submit("use-passkey", 422, credential=sent)
    assert not is_in(desk)


def test_the_passkey_of_another_proves_nothing(mia, come_in, trail):
    noah = come_in("noah")
    device = add(noah)
    desk = come_in("mia")
    use(desk, device, 422)
    assert not is_in(desk)
    assert trail.one("factor.failed")["extra"] == {
        "kind": "passkey",
        "reason": "another person's passkey",
        "name": "",
    }


def test_a_counter_that_goes_back_is_refused_and_recorded(mia, come_in, trail, runtime):
    mia.device.kept[0].counter = 7
    use(come_in("mia"), mia.device)
    assert [passkey.counter for passkey in rows(runtime)] == [8]
    for counter in (8, 7, 0):
        desk = come_in("mia")
        use(desk, mia.device, 422, counter=counter)
        assert not is_in(desk)
    assert reasons(trail) == ["the counter went back"] * 3
    assert [passkey.counter for passkey in rows(runtime)] == [8]
    use(come_in("mia"), mia.device, counter=9)


def test_a_device_that_does_not_count_is_taken_each_time(clock, come_in):
    mia = come_in("mia")
    device = add(mia, Device(counts=False))
    for _ in range(2):
        desk = come_in("mia")
        use(desk, device)
        assert is_in(desk)


def test_an_answer_is_good_once_also_for_who_does_not_count(clock, come_in):
    mia = come_in("mia")
    device = add(mia, Device(counts=False))
    desk = come_in("mia")
    credential = json.dumps(device.use(asked(desk, "use-passkey")))
    form = {"csrf_token": desk.csrf(), "credential": credential}
    desk.post(f"{CODE}/passkey", form, 302)
    desk.post(f"{CODE}/passkey", form, 422)


def test_a_wrong_answer_uses_the_question_up(mia, come_in):
    desk = come_in("mia")
    question = asked(desk, "use-passkey")
    desk.submit(
        "use-passkey", 422, credential=json.dumps(mia.device.use(question, origin="https://evil.example"))
    )
    desk.submit("use-passkey", 422, credential=json.dumps(mia.device.use(question)))


def test_a_use_is_noted(mia, come_in, clock, runtime):
    clock.shift(timedelta(minutes=3))
    use(come_in("mia"), mia.device)
    (passkey,) = rows(runtime)
    assert passkey.last_used_at - passkey.created_at == timedelta(minutes=3)


def test_an_app_that_counts_no_more_leaves_passkeys_alone(mia, come_in, clock):
    phone = set_up(mia)
    desk = come_in("mia")
    for _ in range(factors.FAILURES_MAX):
        clock.shift(timedelta(seconds=10))
        desk.open(CODE)
        desk.submit("second-factor", 422, code=phone.wrong())
    desk.submit("second-factor", 422, code=phone.code())
    use(desk, mia.device)
    assert is_in(desk)


def test_questions_that_nobody_answered_are_forgotten(mia, come_in, runtime, clock):
    asked(come_in("mia"), "use-passkey")
    with runtime.work(writing=True) as uow:
        assert passkey_challenges.remove_ended(uow) == 0
    clock.shift(timedelta(minutes=5))
    with runtime.work(writing=True) as uow:
        assert passkey_challenges.remove_ended(uow) == 1
    assert rows(runtime, PasskeyChallenge) == []


# Confirming


def test_a_passkey_confirms_who_one_is(mia, clock, world):
    clock.shift(timedelta(minutes=6))
    mia.open("/account/token")
    assert mia.path.startswith(CONFIRM)
    use(mia, mia.device, 422, flags=PRESENT)
    use(mia, mia.device)
    assert mia.path == "/account/token"
    assert "Thank you" in mia.page.words


def test_who_has_none_is_asked_for_none(clock, come_in):
    mia = come_in("mia")
    page = mia.open(CONFIRM)
    assert not page.select("#use-passkey")
    mia.post("/account/passkey-options", {"csrf_token": mia.csrf()}, 409)


def test_of_a_passkey_the_database_has_no_key_that_could_be_exchanged(mia, runtime, come_in, world, trail):
    """Another's row in one's own name opens nothing: a key is good in its row and for its person only."""
    noah = come_in("noah")
    device = add(noah)
    taken, exchanged = world.people["mia"], world.people["noah"].hex
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE passkey SET user_id = ? WHERE user_id = ?", (taken.hex, exchanged))
    page = use(come_in("mia"), device, 422, handle=taken.bytes)
    assert "This passkey was not accepted" in page.words
    assert reasons(trail) == ["the stored key was altered"]
    assert trail.one("decryption.failed")["extra"] == {"part": "public key"}
