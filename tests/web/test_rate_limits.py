"""Limits on requests: which are counted, together with which, and what is said when there are too many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import time_machine
from flask_limiter.util import get_qualified_name
from limits import parse

import extensions
from blueprints import declared
from config_rates import Rates
from extensions import address, limiter, visitor
from policy import Scope
from tests.addresses import fill
from tests.browser import Browser

NOON = "2026-11-22T12:00:00Z"
EVERYTHING = parse(Rates().rate_all)
ALL = EVERYTHING.amount


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    """Counting takes place in one window, however slow the machine is."""
    with time_machine.travel(NOON, tick=False):
        yield


def count_as(app, name: str, times: int) -> None:
    """Put *times* requests on the counter called *name* that counts all of a visitor's."""
    limiter.storage.incr(EVERYTHING.key_for(name, "global"), 60, times)


def names_from(app, network: str) -> str:
    """Return the name of the counter of an address."""
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": network}):
        return address()


def test_the_last_request_of_the_minute_is_answered_and_the_next_is_told_when_to_come_back(
    app, browser, caplog
):
    count_as(app, names_from(app, "192.0.2.10"), ALL - 1)
    nobody = browser()

    nobody.open("/sign-in")
    page = nobody.open("/sign-in", status=429)

    assert page.answer.headers["Retry-After"] == "60"
    assert "You can try again in 60 seconds." in page.words
    assert "too many requests from 192.0.2.10" in caplog.messages


def test_the_next_minute_begins_anew(app, browser):
    count_as(app, names_from(app, "192.0.2.10"), ALL)
    browser().open("/sign-in", status=429)

    with time_machine.travel("2026-11-22T12:01:00Z", tick=False):
        browser().open("/sign-in")


def test_addresses_that_lead_nowhere_count_too(app, browser):
    count_as(app, names_from(app, "192.0.2.10"), ALL - 1)
    nobody = browser()

    nobody.open("/no/such/page", status=404)
    nobody.open("/no/such/page", status=429)


def test_files_and_the_question_whether_the_process_lives_do_not(app, browser):
    count_as(app, names_from(app, "192.0.2.10"), ALL)
    nobody = browser()

    nobody.open("/static/app.css")
    nobody.open("/healthz")


def test_people_behind_one_address_do_not_count_for_each_other(app, browser):
    mia, rhea = browser("mia"), browser("rhea")
    with mia.client.session_transaction() as session:
        cookie = session["sid"]
    with app.test_request_context("/"):
        count_as(app, app.extensions["chatelaine"].counter_name("session", cookie), ALL)

    mia.open("/account", status=429)
    rhea.open("/account")


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
def test_an_ipv6_visitor_is_a_whole_network(app, one, other, together):
    assert (names_from(app, one) == names_from(app, other)) is together


@pytest.mark.sqlite
def test_the_file_of_the_counters_names_nobody(app, browser, database):
    mia = browser("mia", address="198.51.100.77")
    mia.open("/account")
    with mia.client.session_transaction() as session:
        cookie = session["sid"]

    files = list(database.parent.glob("chatelaine.db.rates*"))
    content = b"".join(file.read_bytes() for file in files)
    assert b"rate_counter" in content
    assert b"198.51.100" not in content
    assert cookie.encode() not in content


def test_every_limit_that_stands_on_a_view_really_limits(app, world):
    """A decorator above the route, or under the guard, would count nothing or nobody who is not let in."""
    with app.app_context():
        limited = {
            endpoint: limiter.limit_manager.decorated_limits(get_qualified_name(view))
            for endpoint, view in app.view_functions.items()
        }
    written = set(limiter.limit_manager._decorated_limits)
    served = {get_qualified_name(view) for view in app.view_functions.values()}
    assert written <= served

    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules() if limited[rule.endpoint]}
    assert {"signin.submit", "enrolment.create", "csp.report"} <= rules.keys()
    for number, (endpoint, rule) in enumerate(rules.items()):
        nobody = Browser(app, address=f"203.0.113.{number}")
        nobody.open("/sign-in")
        form = {"csrf_token": nobody.csrf()}
        method = "POST" if "POST" in rule.methods else "GET"
        most = min(limit.limit.amount for limit in limited[endpoint])
        path = fill(rule, world)
        answers = [
            nobody.client.open(path, method=method, data=form, environ_base={"REMOTE_ADDR": nobody.address})
            for _ in range(most + 1)
        ]
        assert answers[-1].status_code == 429, endpoint
        assert 429 not in [answer.status_code for answer in answers[:-1]], endpoint


FOR_VAULT_CLIENTS = ("approle.", "auth_tokens.", "kv_data.", "kv_metadata.")
"""Views of the Vault-compatible API, of which each key's reading and writing is counted by token."""
DECLARED = {
    "account.create_token": "5/hour",
    "account.submit_confirmation": "10/minute",
    "api.add_file": "30/minute",
    "api.change_item": "600/minute",
    "api.change_vault": "600/minute",
    "api.create_item": "600/minute",
    "api.create_vault": "600/minute",
    "api.destroy_item": "600/minute",
    "api.download_file": "600/minute",
    "api.generate": "600/minute",
    "api.list_events": "600/minute",
    "api.list_files": "600/minute",
    "api.list_items": "600/minute",
    "api.list_people": "600/minute",
    "api.list_tokens": "600/minute",
    "api.list_vaults": "600/minute",
    "api.list_versions": "600/minute",
    "api.mint_token": "600/minute",
    "api.remove_file": "600/minute",
    "api.restore_item": "600/minute",
    "api.restore_version": "600/minute",
    "api.reveal": "600/minute",
    "api.reveal_many": "600/minute",
    "api.revoke_self": "600/minute",
    "api.revoke_token": "600/minute",
    "api.show_document": "600/minute",
    "api.show_health": "600/minute",
    "api.show_item": "600/minute",
    "api.show_self": "600/minute",
    "api.show_vault": "600/minute",
    "api.stream_events": "60/hour",
    "api.trash_item": "600/minute",
    "asks.ask": "20/hour",
    "asks.ask_approval": "20/hour",
    "attachments.add": "30/minute",
    "attachments.download": "60/minute",
    "audit.submit_export": "10/hour",
    "containment.reset_all": "3/hour",
    "enrolment.join": "5/hour",
    "factors.begin": "10/minute",
    "factors.confirm": "10/minute",
    "factors.renew_codes": "5/hour",
    "generator.generate": "240/minute",
    "imports.columns": "20/minute",
    "imports.read": "20/minute",
    "instance.create": "20/hour",
    "instance.invite_owner": "20/hour",
    "items.copy": "60/minute",
    "items.reveal": "60/minute",
    "leavers.export_person": "10/hour",
    "leavers.export_token": "10/hour",
    "overview.prove_key": "10/minute",
    "passkey_signin.ask": "10/minute",
    "passkey_signin.confirm": "10/minute",
    "passkey_signin.pass_second": "10/minute",
    "passkeys.add": "10/minute",
    "passkeys.ask": "10/minute",
    "people.enable": "60/hour",
    "people.make_link": "60/hour",
    "people.reset_factor": "60/hour",
    "people.submit_invitation": "60/hour",
    "profile.change": "20/hour",
    "signin.submit_code": "10/minute",
    "sso.confirm": "10/minute",
    "sso.link": "10/minute",
    "tokens.export": "20/hour",
    "tokens.issue": "5/hour",
    "tokens.submit_replacement": "5/hour",
}
"""How often an actor may do what, written down a second time."""


def test_the_guard_counts_what_is_dear_or_dangerous(app):
    declared = {
        endpoint: app.config["SETTINGS"].rates()[view.access.limit]
        for endpoint, view in app.view_functions.items()
        if hasattr(view, "access") and view.access.limit
    }
    by_clients = {view: limit for view, limit in declared.items() if view.startswith(FOR_VAULT_CLIENTS)}
    assert set(by_clients.values()) == {"6000/minute", "600/minute"}
    assert {view for view, limit in by_clients.items() if limit == "600/minute"} == {
        *("approle.keep_secret_id", "approle.make_secret_id", "auth_tokens.create"),
        *("auth_tokens.create_by_role", "auth_tokens.create_orphan"),
    }
    assert {view: limit for view, limit in declared.items() if view not in by_clients} == DECLARED


def test_no_limit_is_keyed_by_anything_that_could_be_read_back(app):
    """Each is counted under a keyed digest: of the session, or of the address."""
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": "198.51.100.77"}):
        functions = {
            limit.key_func
            for view in app.view_functions.values()
            for limit in limiter.limit_manager.decorated_limits(get_qualified_name(view))
        }
        names = {function() for function in functions | {visitor, address}}

    assert all(len(name) == 64 and int(name, 16) for name in names)


def test_a_token_is_told_when_it_reveals_too_often_and_one_event_says_so(app, trail, api, world):
    program = api("rhea", Scope.ITEMS_REVEAL)
    runtime = app.extensions["chatelaine"]
    name = runtime.counter_name("actor", str(program.token_id))
    limiter.storage.incr(parse("600/minute").key_for(name, "api.reveal"), 60, 599)
    path = f"/api/v1/items/{world.items['Stripe dashboard']}/reveal"

    statuses = [program.post(path).status_code for _ in range(3)]

    assert statuses == [200, 429, 429]
    assert trail.actions() == ["token.created", "item.revealed", "request.throttled"]
    assert program.post(path).headers["Retry-After"] == "60"


def test_programs_without_a_good_token_are_counted_by_address(app, api):
    stranger = api(None)
    statuses = [stranger.get("/api/v1/items").status_code for _ in range(61)]

    assert statuses == [401] * 60 + [429]


@pytest.mark.sqlite
def test_nothing_is_answered_when_nothing_can_be_counted(app, browser, database):
    limiter.storage.close()
    for file in database.parent.glob("chatelaine.db.rates*"):
        file.unlink()
    (database.parent / "chatelaine.db.rates").mkdir()

    browser().open("/sign-in", status=503)


def test_while_redis_is_away_each_process_counts_by_itself(make_app, sign_in, api, monkeypatch):
    """Waiting for it, or letting everybody through, would be worse."""
    # The one limiter of all tests is as it was afterwards.
    for name in ("_storage_dead", "_in_memory_fallback_enabled"):
        monkeypatch.setattr(limiter, name, False)
    away = make_app(REDIS_URL="redis://127.0.0.1:9/0")
    sign_in(away, "mia").open("/account")
    nobody = sign_in(away, address="192.0.2.44")
    for _ in range(10):
        nobody.open("/sign-in")
        nobody.submit("sign-in", status=422, token="wrong")
    nobody.open("/sign-in")
    nobody.submit("sign-in", status=429, token="wrong")

    program = api("rhea", Scope.ITEMS_LIST)
    headers = {"Authorization": f"Bearer {program.token}"}
    monkeypatch.setattr(limiter, "_storage_dead", False)
    alone = make_app(REDIS_URL="redis://127.0.0.1:9/0")
    assert alone.test_client().get("/api/v1/items", headers=headers).status_code == 200


def test_each_limit_is_what_its_setting_says(make_app, sign_in, world):
    app = make_app(RATE_REVEAL="2/minute", RATE_SIGN_IN="4 / minute", RATE_ALL="40/minute")
    changed = {"RATE_REVEAL": "2/minute", "RATE_SIGN_IN": "4/minute", "RATE_ALL": "40/minute"}
    expected = {name: parse(text) for name, text in (Rates().rates() | changed).items()}
    assert app.config["RATES"] == expected
    mia = sign_in(app, "mia")
    page = f"/o/northwind/items/{world.items['Stripe dashboard']}"
    mia.open(page)
    for status in (200, 200, 429):
        mia.post(f"{page}/reveal", {"csrf_token": mia.csrf(), "field": "password"}, status)
    nobody = sign_in(app, address="192.0.2.44")
    for status in (422, 422, 422, 422, 429):
        nobody.open("/sign-in")
        nobody.submit("sign-in", status=status, token="wrong")
    for _ in range(30):
        nobody.open("/sign-in")
    nobody.open("/sign-in", status=429)


def test_a_limit_that_is_no_setting_stops_the_program(app, monkeypatch):
    view = app.view_functions["items.reveal"]
    monkeypatch.setattr(view, "access", replace(view.access, limit="60/minute"))
    with pytest.raises(RuntimeError, match="limits that are no settings: 60/minute"):
        declared.verify(app)


def test_every_setting_limits_something_and_nothing_is_limited_past_them():
    places = [Path(extensions.__file__), *Path(declared.__file__).parent.glob("*.py")]
    words = [word for place in places for word in re.findall(r'"(RATE_\w+|\d+/\w+)"', place.read_text())]
    only_events = "1/minute"
    assert set(words) == {*Rates().rates(), only_events}
