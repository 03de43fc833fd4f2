"""The token panel: everything for those who look after it, their own for everybody."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine

from models import AccessToken
from policy import Scope
from services import api_tokens
from tests.browser import Browser

TOKENS = "/o/northwind/tokens"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def issue(runtime, world):
    """Issue an API token in somebody's name, without the page."""

    def issue(by="mia", name="backup", days=300):
        with runtime.work(writing=True, actor=world.actor(by)) as uow:
            return api_tokens.issue(uow, name, [Scope.ITEMS_LIST], timedelta(days=days))

    return issue


@pytest.fixture
def crowd(runtime, world):
    """Northwind has 120 tokens more."""
    with runtime.work(writing=True) as uow:
        for number in range(120):
            uow.session.add(
                AccessToken(
                    id=uuid4(),
                    organization_id=world.organizations["northwind"],
                    user_id=world.people["mia"],
                    kind="api",
                    name=f"program {number:03}",
                    lookup_id=f"{number:08x}",
                    digest=b"",
                    scopes="items:list",
                    must_replace=False,
                    created_at=NOON - timedelta(days=number),
                    expires_at=NOON + timedelta(days=60),
                )
            )


def rows_on(page):
    return [" ".join(row.get_text(" ").split()) for row in page.select('[aria-label="Tokens"] tbody tr')]


def handles_on(page):
    return [code.get_text() for code in page.select('[aria-label="Tokens"] tbody th code')]


def handle(token):
    return token.split("_")[2]


def force(browser, path, status, **data):
    """Post past the page's own forms."""
    browser.open("/account")
    return browser.post(path, {"csrf_token": browser.csrf(), **data}, status)


def is_signed_in(browser):
    browser.open("/account")
    return browser.path == "/account"


# Seeing


@pytest.mark.parametrize("name", ["alice", "adam", "audrey"])
def test_who_looks_after_tokens_sees_all_of_the_organization(browser, world, name):
    page = browser(name).open(TOKENS)
    assert set(handles_on(page)) == {
        handle(token) for who, token in world.tokens.items() if who not in {"mallory", "sam"}
    }


def test_everybody_else_sees_their_own(browser, world, issue):
    mine, theirs = issue("mia"), issue("rhea")
    mia = browser("mia")
    for query in ("", f"?owner={world.people['rhea']}", "?q=backup", f"?after={theirs.id}", "?state=expired"):
        page = mia.open(TOKENS + query)
        assert handle(theirs.text) not in page.words
        assert handle(world.tokens["rhea"]) not in page.words
        assert "rhea" not in page.words.lower()
    assert set(handles_on(mia.open(TOKENS))) == {handle(mine.text), handle(world.tokens["mia"])}


def test_a_row_says_what_a_token_is_and_never_the_token(browser, world, issue):
    minted = issue(name="<b>nightly</b>")
    browser("mia", address="198.51.100.7")
    page = browser("adam").open(TOKENS)
    (row,) = [row for row in rows_on(page) if "nightly" in row]
    assert "<b>nightly</b> API" in row
    assert handle(minted.text) in row
    assert "items:list" in row
    assert "Mia" in row
    assert "Active" in row
    assert "Never" in row
    (signin,) = [row for row in rows_on(page) if handle(world.tokens["mia"]) in row]
    assert "198.51.100.7" in signin
    for secret in (minted.text, *world.tokens.values()):
        assert secret[20:63] not in str(page)


def test_strangers_find_nothing(refuses):
    refuses(TOKENS, "mallory", 404)


def test_filters_narrow_and_their_form_remembers(browser, world, issue):
    issue("rhea", name="nightly")
    adam = browser("adam")
    adam.open(TOKENS)
    for query, count in (
        ("kind=api", 1),
        ("kind=signin", 7),
        ("state=active", 8),
        ("state=revoked", 0),
        (f"owner={world.people['rhea']}", 2),
        ("q=NIGHT", 1),
        (f"q={handle(world.tokens['mia'])}", 1),
    ):
        page = adam.open(f"{TOKENS}?{query}")
        assert len(rows_on(page)) == count, query
        name, value = query.split("=")
        form = page.select_one("form#filter")
        kept = form.select_one(f'[name="{name}"]')
        shown = kept["value"] if kept.name == "input" else kept.select_one("option[selected]")["value"]
        assert shown == value
    assert "Clear the filter" in adam.open(f"{TOKENS}?state=revoked").words


@pytest.mark.parametrize(
    "query",
    [
        "kind=all",
        "state=broken",
        "owner=nobody",
        "sort=digest",
        "direction=up",
        "after=x",
        "before=1",
        "q=%25",
    ],
)
def test_what_an_address_names_wrongly_is_as_good_as_not_named(browser, query):
    page = browser("adam").open(f"{TOKENS}?{query}")
    assert len(rows_on(page)) == (0 if query == "q=%25" else 7)


def test_the_list_is_turned_page_by_page_in_the_order_chosen(browser, crowd):
    adam = browser("adam")
    page = adam.open(f"{TOKENS}?kind=api&sort=name&direction=asc")
    seen = []
    while True:
        assert len(rows_on(page)) <= 50
        seen += [row.split(" API")[0] for row in rows_on(page)]
        following = page.select_one('a[rel="next"]')
        if following is None:
            break
        page = adam.open(following["href"])
    assert seen == [f"program {number:03}" for number in range(120)]
    page = adam.open(page.select_one('a[rel="prev"]')["href"])
    assert rows_on(page)[0].startswith("program 050")


def test_a_column_sorts_and_sorts_the_other_way_round(browser, crowd):
    adam = browser("adam")
    adam.open(f"{TOKENS}?kind=api")
    for expected in ("program 000", "program 119"):
        link = adam.page.find("a", string=lambda text: text and text.strip() == "Name") or next(
            link for link in adam.page.select("thead a") if "Name" in link.get_text()
        )
        page = adam.open(link["href"])
        assert rows_on(page)[0].startswith(expected)
        assert page.select_one("th[aria-sort]").get_text(strip=True) == "Name"


def test_a_very_long_word_is_looked_for_as_far_as_names_go(browser):
    assert rows_on(browser("adam").open(f"{TOKENS}?q={'x' * 60_000}")) == []


# Issuing


def test_a_token_is_issued_and_shown_once(app, browser, trail):
    mia = browser("mia")
    mia.open(f"{TOKENS}/new")
    page = mia.submit("issue", name="backup", scopes=["items:list"], days="30")
    text = page.select_one("#token")["value"]
    assert text.startswith("chl_api_")
    assert page.select_one("#token").has_attr("readonly")
    page = mia.open(TOKENS)
    assert text not in str(page)
    assert handle(text) in page.words
    event = trail.one("token.created")
    assert event["actor"] == "Mia"
    assert event["extra"] == {"kind": "api", "days": 30, "scopes": ["items:list"]}
    assert text not in str(trail.events())


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Name the program that gets the token."),
        ("name", "x" * 121, "1 to 120 printable characters"),
        ("scopes", None, "Choose at least one thing"),
        ("scopes", ["vault:burn"], "not a valid choice"),
        ("days", "0", "Choose 1 to 365 days."),
        ("days", "366", "Choose 1 to 365 days."),
        ("days", "many", "Enter a whole number."),
        ("days", "", "Enter for how many days it shall work."),
    ],
)
def test_a_token_that_cannot_be_is_refused(browser, field, value, words, trail):
    mia = browser("mia")
    mia.open(f"{TOKENS}/new")
    values = {"name": "backup", "scopes": ["items:list"], "days": "30", field: value}
    page = mia.submit("issue", 422, **values)
    assert words in page.select_one(f"#{field}-error").get_text()
    assert trail.events("token.created") == []


def test_tokens_are_issued_five_times_an_hour_by_one_person(browser, trail):
    with time_machine.travel(NOON, tick=False) as clock:
        mia = browser("mia")
        for status in (200, 200, 200, 200, 200, 429):
            mia.open(f"{TOKENS}/new")
            page = mia.submit("issue", status, name="backup", scopes=["items:list"])
        wait = int(page.answer.headers["Retry-After"])
        assert 0 < wait <= 3600
        assert "You can try again in" in page.words
        assert len(trail.events("token.created")) == 5
        assert trail.one("request.throttled")["actor"] == "Mia"
        rhea = browser("rhea")
        rhea.open(f"{TOKENS}/new")
        rhea.submit("issue", name="backup", scopes=["items:list"])
        clock.shift(timedelta(seconds=wait))
        later = browser("mia")
        later.open(f"{TOKENS}/new")
        later.submit("issue", name="backup", scopes=["items:list"])


def test_auditors_issue_nothing(browser, refuses):
    assert "New API token" not in browser("audrey").open(TOKENS).words
    refuses(f"{TOKENS}/new", "audrey", 403)
    refuses(f"{TOKENS}/new", "audrey", 403, posting=True)


# Replacing


def test_a_replacement_is_shown_once_and_the_old_one_goes_when_told(browser, issue, world):
    with time_machine.travel(NOON, tick=False):
        old = issue(name="nightly")
        mia = browser("mia")
        mia.open(f"{TOKENS}/{old.id}/replace")
        page = mia.submit("replace", overlap_hours="2")
        new = page.select_one("#token")["value"]
        assert "2026-11-23 14:00:00 UTC" in page.words
        rows = {row.split(" ")[2]: row for row in rows_on(mia.open(TOKENS)) if row.startswith("nightly")}
        assert "Replaced still works" in rows[handle(old.text)]
        assert "Active" in rows[handle(new)]


@pytest.mark.parametrize("hours", ["-1", "169", "x"])
def test_an_overlap_that_cannot_be_is_refused(browser, issue, hours):
    mia = browser("mia")
    mia.open(f"{TOKENS}/{issue().id}/replace")
    assert mia.submit("replace", 422, overlap_hours=hours).select_one("#overlap_hours-error")


def test_nobody_gets_a_token_in_place_of_anothers(browser, issue, world, refuses):
    path = f"{TOKENS}/{issue('mia').id}/replace"
    for name in ("alice", "rhea", "mallory"):
        refuses(path, name, 404)
        refuses(path, name, 404, posting=True)
    refuses(f"{TOKENS}/{world.token_ids['mia']}/replace", "mia", 404, posting=True)
    assert "Replace" not in [
        link.get_text() for link in browser("adam").open(f"{TOKENS}?kind=api").select("a")
    ]


def test_a_dead_token_is_not_replaced(browser, issue):
    old = issue()
    mia = browser("mia")
    mia.open(f"{TOKENS}/{old.id}/replace")
    mia.submit("replace")
    mia.open(f"{TOKENS}/{old.id}/replace", status=409)
    force(mia, f"{TOKENS}/{old.id}/replace", 409, overlap_hours="0")


def test_five_tokens_an_hour_are_enough_however_they_are_made(browser, issue):
    """Issued, replaced, or one's own for signing in: they are counted together."""
    mia = browser("mia")
    for _ in range(2):
        mia.open(f"{TOKENS}/{issue().id}/replace")
        mia.submit("replace")
    for number in range(2):
        mia.open(f"{TOKENS}/new")
        mia.submit("issue", name=f"Job {number}", scopes=["items:list"])
    mia.open("/account/token")
    mia.submit("replace-token", overlap_hours="1")

    mia.open(f"{TOKENS}/new")
    refused = mia.submit("issue", 429, name="One too many", scopes=["items:list"])
    assert int(refused.answer.headers["Retry-After"]) > 60
    mia.open("/account/token")
    mia.submit("replace-token", 429, overlap_hours="1")


# Revoking


def test_an_admin_revokes_anybodys_token_and_it_stays_as_evidence(browser, world, trail):
    adam, mia = browser("adam"), browser("mia")
    adam.open(TOKENS)
    page = adam.submit(f"revoke-{world.token_ids['mia']}")
    assert "is revoked" in page.words
    (row,) = [row for row in rows_on(page) if handle(world.tokens["mia"]) in row]
    assert "Revoked" in row
    assert not is_signed_in(mia)
    assert trail.one("token.revoked")["actor"] == "Adam"
    assert not page.select(f"form#revoke-{world.token_ids['mia']}")
    force(adam, f"{TOKENS}/{world.token_ids['mia']}/revoke", 409)


def test_everybody_revokes_their_own(browser, issue):
    minted = issue("mia")
    mia = browser("mia")
    mia.open(TOKENS)
    page = mia.submit(f"revoke-{minted.id}")
    assert "Revoked" in next(row for row in rows_on(page) if handle(minted.text) in row)


def test_an_auditor_revokes_their_own_sign_in_token_and_is_out(browser, world):
    audrey = browser("audrey")
    audrey.open(TOKENS)
    audrey.submit(f"revoke-{world.token_ids['audrey']}")
    assert audrey.path.startswith("/sign-in")


def test_nobody_revokes_anothers(refuses, browser, issue):
    path = f"{TOKENS}/{issue('rhea').id}/revoke"
    refuses(path, "mia", 404, posting=True)
    refuses(path, "audrey", 404, posting=True)
    refuses(path, "mallory", 404, posting=True)
    refuses(path.replace("northwind", "lakeside"), "mallory", 404, posting=True)
    audrey = browser("audrey").open(TOKENS)
    assert [form["id"] for form in audrey.select("form[id^=revoke-]")] != []
    assert len(audrey.select("form[id^=revoke-]")) == 1


def test_the_only_owner_keeps_a_way_in(browser, world):
    alice = browser("alice")
    alice.open(TOKENS)
    page = alice.submit(f"revoke-{world.token_ids['alice']}", 409)
    assert "No owner could sign in any more." in page.words
    assert is_signed_in(alice)


def test_an_admin_does_not_take_an_owners_way_in(browser, world, trail):
    adam = browser("adam")
    force(adam, f"{TOKENS}/{world.token_ids['alice']}/revoke", 403)
    assert trail.one("access.denied")["actor"] == "Adam"


# Exporting


def test_an_export_holds_what_the_filters_show(browser, issue, world, trail):
    issue("mia", name="=1+1")
    adam = browser("adam")
    adam.open(f"{TOKENS}?kind=api")
    page = adam.submit("export")
    assert page.answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert page.answer.headers["Content-Disposition"].startswith('attachment; filename="tokens-northwind-2')
    head, row = csv.reader(io.StringIO(page.answer.get_data(as_text=True), newline=""))
    assert len(head) == len(row) == 11
    assert row[:4] == ["Mia", "mia@northwind.example", "api", "'=1+1"]
    assert trail.one("token.exported")["extra"] == {"rows": 1, "kind": "api", "state": None, "owner": None}


def test_an_export_holds_no_token(browser, world):
    alice = browser("alice")
    alice.open(TOKENS)
    text = alice.submit("export").answer.get_data(as_text=True)
    assert len(text.splitlines()) == 8
    for token in world.tokens.values():
        assert token[20:63] not in text
    assert "lakeside" not in text


def test_who_sees_their_own_alone_exports_nothing(refuses, browser):
    assert not browser("mia").open(TOKENS).select("form#export")
    refuses(f"{TOKENS}/export", "mia", 403, posting=True)
    refuses(f"{TOKENS}/export", "mallory", 404, posting=True)


# Proving that it is me


@pytest.mark.parametrize("act", ["revoke", "export", "issue"])
def test_what_is_dangerous_asks_for_the_token_again(browser, world, issue, trail, act):
    minted = issue("mia")
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        adam = browser("adam")
        adam.open(f"{TOKENS}/new" if act == "issue" else TOKENS)
        clock.shift(timedelta(minutes=6))
        form = {"revoke": f"revoke-{minted.id}"}.get(act, act)
        assert adam.submit(form).select_one("form#confirm")
        assert {"token.revoked", "token.exported", "token.created"} & set(trail.actions()) == {
            "token.created"
        } & set(trail.actions())
        adam.open(f"{TOKENS}/new")
        assert adam.path == f"/account/confirm?next={TOKENS}/new"


def test_an_own_token_is_revoked_after_confirming_only(browser, issue):
    minted = issue("mia")
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        mia = browser("mia")
        mia.open(TOKENS)
        clock.shift(timedelta(minutes=6))
        assert mia.submit(f"revoke-{minted.id}").select_one("form#confirm")


def test_a_programs_token_opens_no_panel(app, issue):
    program = Browser(app)
    program.open(TOKENS, Authorization=f"Bearer {issue('alice').text}")
    assert program.path.startswith("/sign-in")
