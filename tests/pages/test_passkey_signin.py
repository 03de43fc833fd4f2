"""A passkey as the whole sign-in: where it is allowed, for whoever may come in, once, and with one answer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from blueprints.passkey_signin import REFUSED
from models import PasskeyChallenge, UserSession
from tests.authenticator import PRESENT, Device
from tests.browser import Browser
from tests.pages.factors import is_in
from tests.pages.passkeys import add, asked, rows, use, with_passkey

SETTINGS = "/o/northwind/settings"
SIGN_IN = "/sign-in"


@pytest.fixture
def allowed(come_in):
    """Northwind lets its people sign in with a passkey alone."""
    alice = come_in("alice")
    alice.open(SETTINGS)
    alice.submit("passkey-sign-in")
    return alice


@pytest.fixture
def device(clock, allowed, come_in):
    """The telephone that keeps Mia's passkey."""
    return with_passkey(come_in).device


@pytest.fixture
def at_door(app):
    """Somebody before the page on which people come in."""

    def at_door(address="192.0.2.10"):
        person = Browser(app, address)
        person.open(SIGN_IN)
        return person

    return at_door


def refusals(trail):
    return [
        (event["action"], event["extra"]["reason"])
        for event in trail.events()
        if event["action"].startswith("signin.")
    ]


# The setting


def test_an_admin_decides_and_it_is_recorded(clock, come_in, trail):
    adam = come_in("adam")
    page = adam.open(SETTINGS)
    assert "With a passkey alone Not allowed" in page.words
    adam.submit("passkey-sign-in")
    assert "A passkey alone is enough to sign in." in adam.page.words
    adam.submit("passkey-sign-in")
    assert "With a passkey alone Not allowed" in adam.page.words
    form = {"csrf_token": adam.csrf()}
    adam.post(f"{SETTINGS}/passkey-sign-in", form | {"allowed": "no"}, 302)
    adam.post(f"{SETTINGS}/passkey-sign-in", form | {"allowed": "perhaps"}, 422)
    changed = trail.events("setting.changed")
    assert [event["extra"]["value"] for event in changed] == ["allowed", "not allowed"]
    assert {event["target"] for event in changed} == {"Sign-in with a passkey alone"}


def test_others_read_it_and_cannot_change_it(clock, come_in, refuses):
    page = come_in("audrey").open(SETTINGS)
    assert not page.select("#passkey-sign-in")
    refuses(f"{SETTINGS}/passkey-sign-in", "audrey", 403, posting=True)


def test_the_setting_asks_for_a_confirmation_when_the_last_is_old(clock, come_in):
    alice = come_in("alice")
    alice.open(SETTINGS)
    clock.shift(timedelta(minutes=6))
    alice.submit("passkey-sign-in")
    assert alice.path.startswith("/account/confirm")


def test_the_button_stands_where_somebody_may_use_it(clock, come_in, at_door, runtime):
    stranger = at_door()
    assert not stranger.page.select("#use-passkey")
    stranger.post("/sign-in/passkey-options", {"csrf_token": stranger.csrf()}, 409)
    assert rows(runtime, PasskeyChallenge) == []
    alice = come_in("alice")
    alice.open(SETTINGS)
    alice.submit("passkey-sign-in")
    assert at_door().page.select("#use-passkey")
    away = Browser(alice.client.application, base_url="http://127.0.0.1:8000")
    page = away.open(SIGN_IN)
    assert not page.select("#use-passkey")
    assert page.select('a[href="http://localhost:8000"]')


# Coming in


def test_a_passkey_opens_a_session_that_has_passed_both_factors(device, at_door, trail, runtime, world):
    mia = at_door()
    assert asked(mia, "use-passkey")["allowCredentials"] == []
    use(mia, device)
    assert mia.path == "/o/northwind/"
    assert is_in(mia)
    assert trail.actions()[-2:] == ["factor.passed", "session.started"]
    mia.open("/account/factor")
    mia.press("Make new ones")
    assert mia.page.select(".codes li")
    session_id = UUID(trail.events("session.started")[-1]["target_id"])
    (session,) = (row for row in rows(runtime, UserSession) if row.id == session_id)
    assert session.user_id == world.people["mia"]
    assert session.token_id == world.token_ids["mia"]
    passed = trail.events("factor.passed")[-1]
    assert (passed["actor"], passed["extra"]) == ("Mia", {"kind": "passkey", "name": "Telephone"})


def test_it_leads_to_where_one_wanted_to_go_and_nowhere_else(device, at_door):
    mia = at_door()
    mia.open("/o/northwind/vaults")
    use(mia, device)
    assert mia.path == "/o/northwind/vaults"
    other = at_door()
    credential = json.dumps(device.use(asked(other, "use-passkey")))
    form = {"csrf_token": other.csrf(), "credential": credential, "next": "//evil.example/"}
    answer = other._send("POST", "/sign-in/passkey", data=form)
    assert answer.headers["Location"] == "/o/northwind/"


def test_nothing_of_the_cookie_from_before_lives_on(device, at_door):
    mia = at_door()
    use(mia, device)
    with mia.client.session_transaction() as session:
        assert "browser" not in session
        assert "sid" in session


def test_who_was_signed_in_as_somebody_else_is_so_no_more(device, come_in, at_door, trail):
    noah = come_in("noah")
    door = at_door()
    noah.page = door.page
    noah.path = SIGN_IN
    with noah.client.session_transaction() as session, door.client.session_transaction() as other:
        session["csrf_token"] = other["csrf_token"]
    use(noah, device)
    page = noah.open("/account")
    assert "mia@northwind.example" in page.words
    assert trail.events("session.ended")[-1]["actor"] == "Noah"


def test_the_session_ends_with_the_token_it_hangs_on(device, at_door, come_in, world):
    mia = at_door()
    use(mia, device)
    alice = come_in("alice")
    alice.open("/o/northwind/tokens")
    alice.submit(f"revoke-{world.token_ids['mia']}")
    assert not is_in(mia)


# Being refused


def change(runtime, statement, *values):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(statement, values)


@pytest.mark.parametrize(
    ("statement", "whose", "reason"),
    [
        ("UPDATE access_token SET revoked_at = 1 WHERE user_id = ?", "people", "revoked"),
        ("UPDATE access_token SET expires_at = 1 WHERE user_id = ?", "people", "expired"),
        (
            "UPDATE access_token SET must_replace = true WHERE user_id = ?",
            "people",
            "the token must be replaced",
        ),
        ("UPDATE access_token SET kind = 'api' WHERE user_id = ?", "people", "no token"),
        ("UPDATE membership SET disabled_at = 1 WHERE id = ?", "members", "disabled"),
        (
            "UPDATE organization SET passkey_sign_in = false WHERE ? != ''",
            "people",
            "not allowed by the organization",
        ),
    ],
)
def test_without_a_living_token_where_it_is_allowed_nobody_comes_in(
    device, at_door, runtime, world, trail, statement, whose, reason
):
    mia = at_door()
    question = asked(mia, "use-passkey")
    change(runtime, statement, getattr(world, whose)["mia"].hex)
    page = mia.submit("use-passkey", 422, credential=json.dumps(device.use(question)))
    assert REFUSED in page.words
    assert not is_in(mia)
    assert refusals(trail) == [("signin.failed", reason)]
    event = trail.one("signin.failed")
    assert event["chain"] == (world.organizations["northwind"] if reason != "no token" else event["chain"])


def test_one_living_token_among_others_is_enough(device, at_door, runtime, world, come_in):
    """Revoked, expired and other organizations' tokens do not stand in its way."""
    mia = come_in("mia")
    use(mia, device)
    mia.open("/account/token")
    mia.submit("replace-token")
    door = at_door()
    use(door, device)
    assert is_in(door)


@pytest.mark.parametrize(
    ("lies", "reason"),
    [
        ({"origin": "https://evil.example"}, "made for another site"),
        ({"host": "evil.example"}, "made for another site"),
        ({"embedded": True}, "made for another site"),
        ({"flags": PRESENT}, "the person was not verified"),
        ({"kind": "webauthn.create"}, "wrong signature"),
        ({"challenge": "AAAA"}, "not what was asked, too late, or answered before"),
        ({"handle": b"somebody else..."}, "another person's passkey"),
        ({"handle": b""}, "another person's passkey"),
        ({"counter": 0}, "the counter went back"),
    ],
)
def test_whatever_is_wrong_the_words_are_the_same(device, at_door, trail, runtime, lies, reason):
    change(runtime, "UPDATE passkey SET counter = 1")
    device.kept[0].counter = 1
    mia = at_door()
    page = use(mia, device, 422, **lies)
    assert REFUSED in page.words
    assert not is_in(mia)
    assert refusals(trail) == [("signin.failed", reason)]
    assert trail.one("signin.failed")["extra"]["kind"] == "passkey"


@pytest.mark.parametrize("sent", ["{", "[]", "null", '{"type":"public-key"}', '{"a":1,"a":2}', "[" * 3000])
def test_what_is_no_passkey_opens_nothing(device, at_door, trail, sent):
    page = at_door().submit("use-passkey", 422, credential=sent)
    assert REFUSED in page.words
    assert refusals(trail) == [("signin.failed", "malformed")]


def test_an_empty_form_says_what_is_missing(device, at_door, trail):
    page = at_door().submit("use-passkey", 422)
    assert "Passkeys need JavaScript" in page.select_one("[data-passkey-trouble]").get_text()
    assert refusals(trail) == []


def test_a_passkey_that_nobody_has_opens_nothing(device, at_door, trail):
    stranger = at_door()
    own = Device()
    question = asked(stranger, "use-passkey")
    own.make({**question, "user": {"id": "AAAA"}})
    page = stranger.submit("use-passkey", 422, credential=json.dumps(own.use(question)))
    assert REFUSED in page.words
    assert refusals(trail) == [("signin.failed", "unknown passkey")]


def test_a_question_is_the_browsers_that_was_asked(device, at_door, trail):
    """Whoever has only the answer, such as an overheard one, has no cookie for it."""
    mia, thief = at_door(), at_door("198.51.100.66")
    credential = json.dumps(device.use(asked(mia, "use-passkey")))
    thief.submit("use-passkey", 422, credential=credential)
    asked(thief, "use-passkey")
    thief.submit("use-passkey", 422, credential=credential)
    mia.submit("use-passkey", credential=credential)
    assert is_in(mia)


def test_a_question_waits_five_minutes(device, at_door, clock):
    early, late = at_door(), at_door()
    question, too_old = asked(early, "use-passkey"), asked(late, "use-passkey")
    clock.shift(timedelta(minutes=4, seconds=59))
    early.submit("use-passkey", credential=json.dumps(device.use(question)))
    clock.shift(timedelta(seconds=1))
    late.submit("use-passkey", 422, credential=json.dumps(device.use(too_old)))


def test_of_many_that_come_together_with_one_answer_one_comes_in(clock, allowed, come_in, at_door, runtime):
    """With a device that does not count: the question alone has to see to it."""
    device = add(come_in("mia"), Device(counts=False))
    mia = at_door()
    form = {"csrf_token": mia.csrf(), "credential": json.dumps(device.use(asked(mia, "use-passkey")))}
    cookie = mia.client.get_cookie("chatelaine").value
    copies = [Browser(mia.client.application, f"198.51.100.{number}") for number in range(32)]
    for each in copies:
        each.client.set_cookie("chatelaine", cookie)

    def try_it(each):
        return each._send("POST", "/sign-in/passkey", data=form).status_code

    before = len(rows(runtime, UserSession))
    with ThreadPoolExecutor(32) as pool:
        statuses = sorted(pool.map(try_it, copies))
    assert statuses == [302] + [422] * 31
    assert len(rows(runtime, UserSession)) == before + 1
    assert rows(runtime, PasskeyChallenge) == []


# Being slowed down


def test_ten_a_minute_from_one_address(device, at_door):
    mia = at_door()
    form = {"csrf_token": mia.csrf(), "credential": "{}"}
    statuses = [mia._send("POST", "/sign-in/passkey", data=form).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    statuses = [mia._send("POST", "/sign-in/passkey-options", data=form).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_twenty_failures_lock_the_address_for_a_quarter_of_an_hour(device, at_door, clock, trail):
    """Together with those by token: an address has one count."""
    for number in range(20):
        clock.shift(timedelta(seconds=10))
        mia = at_door()
        if number % 2:
            mia.submit("use-passkey", 422, credential="{}")
        else:
            mia.submit("sign-in", 422, token="nothing that opens")
    page = use(at_door(), device, 422)
    assert REFUSED in page.words
    assert refusals(trail)[-1] == ("signin.locked", "locked")
    use(at_door("198.51.100.7"), device)
    clock.shift(timedelta(minutes=16))
    use(at_door(), device)


def test_a_success_takes_back_its_own_attempt_alone(device, at_door, clock, trail):
    for _ in range(19):
        clock.shift(timedelta(seconds=10))
        at_door().submit("use-passkey", 422, credential="{}")
    for _ in range(2):
        clock.shift(timedelta(seconds=10))
        use(at_door(), device)
    at_door().submit("use-passkey", 422, credential="{}")
    use(at_door(), device, 422)
    assert refusals(trail)[-1] == ("signin.locked", "locked")
