"""The commands that look after people, tokens and lockouts, run as the operator runs them."""

from __future__ import annotations

import json

import pyotp
import pytest

from crypto.tokens import new_token
from errors import Conflict, Invalid, LastOwner, NotFound
from tests.browser import Browser
from tests.guesses import wrong_secret

SITE = "http://127.0.0.1:8000"


def sign_in(app, token, status=200, address="192.0.2.10"):
    window = Browser(app, address)
    window.open("/sign-in")
    window.submit("sign-in", status, token=token)
    return window


# People


def test_an_invitation_prints_the_link_alone(run, app, trail):
    out, words = run(
        "people", "invite", "nina@northwind.example", "--organization", "northwind", "--role", "admin"
    )
    assert out.startswith(f"{SITE}/enrol/chl_enrol_")
    assert out.count("\n") == 1
    assert "nina@northwind.example" in words
    nina = Browser(app)
    nina.open(out.strip().removeprefix(SITE))
    token = nina.press("Create my token").select_one("#token")["value"]
    sign_in(app, token).open("/o/northwind/people")
    event = trail.one("person.invited")
    assert (event["actor"], event["actor_kind"]) == ("system", "system")


def test_an_invitation_for_a_program_to_read(run):
    out, _ = run("people", "invite", "nina@northwind.example", "--organization", "northwind", "--json")
    read = json.loads(out)
    assert read["email"] == "nina@northwind.example"
    assert read["link"].startswith(f"{SITE}/enrol/chl_enrol_")
    assert read["expires"].endswith("Z")


def test_who_lost_their_token_gets_a_link_from_the_operator_even_the_only_owner(run, app):
    out, _ = run("people", "link", "alice@northwind.example", "--organization", "northwind")
    alice = Browser(app)
    alice.open(out.strip().removeprefix(SITE))
    sign_in(app, alice.press("Create my token").select_one("#token")["value"])


def test_a_lost_second_factor_is_taken_away_with_a_link_to_start_anew(run, app, world):
    """The only owner can lose it, too, and nobody else could help then."""
    alice = sign_in(app, world.tokens["alice"])
    alice.open("/account/factor")
    seed = alice.submit("set-up").select_one("#seed").get_text().replace(" ", "")
    alice.submit("confirm-app", code=pyotp.TOTP(seed).now())

    out, _ = run("people", "remove-factor", "alice@northwind.example", "--organization", "northwind")

    assert "/enrol/chl_enrol_" in out
    alice.open("/account")
    assert alice.path.startswith("/sign-in")
    with pytest.raises(Conflict, match="has no second factor"):
        run("people", "remove-factor", "alice@northwind.example", "--organization", "northwind")


def test_people_are_listed(run):
    out, _ = run("people", "list", "--organization", "northwind")
    head, *rows = out.splitlines()
    assert head.split() == ["email", "name", "role", "state", "seen", "token_ends", "sessions"]
    assert len(rows) == 7
    read = json.loads(run("people", "list", "--organization", "northwind", "--json")[0])
    assert {person["email"] for person in read} >= {"mia@northwind.example", "alice@northwind.example"}
    assert read[0]["role"] == "admin"


def test_what_cannot_be_is_refused_with_a_sentence(run):
    for arguments, error in (
        (("people", "invite", "nina", "--organization", "northwind"), Invalid),
        (("people", "invite", "mia@northwind.example", "--organization", "northwind"), Conflict),
        (("people", "link", "nobody@northwind.example", "--organization", "northwind"), NotFound),
        (("people", "link", "sam@lakeside.example", "--organization", "northwind"), NotFound),
    ):
        with pytest.raises(error, match=r"\w+.*\."):
            run(*arguments)


def test_an_organization_is_named_when_there_are_several(run):
    _, words = run("people", "list", status=2)
    assert "lakeside, northwind" in words
    _, words = run("people", "list", "--organization", "nowhere", status=2)
    assert "There is no organization nowhere." in words


# Tokens


def create(run, *more, owner="mia@northwind.example"):
    return run(
        *("tokens", "create", "--organization", "northwind", "--owner", owner, "--name", "backup"),
        *("--scope", "items:list", "--scope", "items:reveal", "--days", "7"),
        *more,
    )


def test_a_token_is_printed_alone_and_works(run, app, trail, world):
    out, words = create(run)
    token = out.removesuffix("\n")
    assert token.startswith("chl_api_")
    assert token not in words
    program = Browser(app)
    program.open("/api/v1/items", Authorization=f"Bearer {token}", Accept="application/json")
    event = trail.one("token.created")
    assert event["actor"] == "system"
    assert event["extra"] == {"kind": "api", "days": 7, "scopes": ["items:list", "items:reveal"]}
    assert token not in str(event)
    assert json.loads(create(run, "--json")[0])["token"].startswith("chl_api_")


def test_a_token_is_narrowed_as_on_the_page(run, app, trail, world):
    out, _ = create(
        run,
        *("--vault", "Production", "--only", "Stripe*", "--only", "dev/*", "--network", "192.0.2.0/24"),
        *("--not-before", "2020-02-03", "--uses", "2", "--per-minute", "30"),
    )
    extra = trail.one("token.created")["extra"]
    assert extra["vaults"] == [str(world.vaults["Production"])]
    assert extra["names"] == ["Stripe*", "dev/*"]
    assert extra["networks"] == ["192.0.2.0/24"]
    assert extra["not_before"] == "2020-02-03T00:00:00+00:00"
    assert (extra["uses"], extra["per_minute"]) == (2, 30)
    sent = {"Authorization": f"Bearer {out.strip()}", "Accept": "application/json"}
    Browser(app, "198.51.100.7").open("/api/v1/items", 401, **sent)
    program = Browser(app, "192.0.2.10")
    found = json.loads(program.open("/api/v1/items", **sent).answer.get_data())
    assert [item["name"] for item in found["items"]] == ["Stripe dashboard"]
    program.open("/api/v1/items", **sent)
    program.open("/api/v1/items", 401, **sent)


def test_what_cannot_narrow_a_token_is_told_and_nothing_is_issued(run, trail):
    with pytest.raises(Invalid, match="A \\* can only stand at the end"):
        create(run, "--only", "*/prod")
    with pytest.raises(Invalid, match="Write each network on a line"):
        create(run, "--network", "the office")
    with pytest.raises(Invalid, match="It would end before it begins"):
        create(run, "--not-before", "2999-01-01")
    with pytest.raises(Conflict, match="There is no vault Harbor"):
        create(run, "--vault", "Harbor")
    create_wrongly = ("tokens", "create", "--owner", "mia@northwind.example", "--name", "x", "--scope")
    run(*create_wrongly, "items:list", "--uses", "0", status=2)
    assert "token.created" not in trail.actions()


def test_tokens_are_listed_without_being_shown(run, world):
    token = create(run)[0].strip()
    out, _ = run("tokens", "list", "--organization", "northwind")
    assert token.split("_")[2] in out
    assert token not in out
    assert "lakeside" not in out
    read = json.loads(run("tokens", "list", "--organization", "northwind", "--state", "active", "--json")[0])
    assert len(read) == 7
    assert read[0]["scopes"] == []


def test_a_token_is_revoked_by_its_handle(run, app, world, trail):
    handle = world.tokens["mia"].split("_")[2]
    run("tokens", "revoke", handle.upper(), "--organization", "northwind")
    sign_in(app, world.tokens["mia"], 422)
    assert trail.one("token.revoked")["actor"] == "system"
    with pytest.raises(Conflict):
        run("tokens", "revoke", handle, "--organization", "northwind")
    with pytest.raises(NotFound):
        run("tokens", "revoke", handle, "--organization", "lakeside")


def test_the_operator_does_not_lock_the_last_owner_out_either(run, world):
    with pytest.raises(LastOwner):
        run("tokens", "revoke", world.tokens["alice"].split("_")[2], "--organization", "northwind")


def test_no_token_acts_for_an_auditor_or_a_stranger(run):
    with pytest.raises(Conflict):
        create(run, owner="audrey@northwind.example")
    with pytest.raises(NotFound):
        create(run, owner="sam@lakeside.example")


def test_wrong_usage_is_told(run):
    run("tokens", "create", "--owner", "mia@northwind.example", status=2)
    run("people", "invite", "a@b.example", "--role", "king", status=2)
    run("lockouts", "lift", status=2)
    run("lockouts", "lift", "00000000-0000-4000-8000-000000000000", "--all", status=2)


# Lockouts


@pytest.fixture
def locked(app, world):
    """Mia's and Mallory's handles are locked for one address, and there is a count of a made-up one."""
    for token, times in (
        (wrong_secret(world.tokens["mia"]), 5),
        (wrong_secret(world.tokens["mallory"]), 2),
        (new_token("signin")[0], 1),
    ):
        for _ in range(times):
            sign_in(app, token, 422, address="203.0.113.77")


def test_lockouts_are_listed_and_lifted_one_by_one(run, locked, world, trail):
    assert "Nobody" not in run("lockouts", "list")[0]
    read = json.loads(run("lockouts", "list", "--json")[0])
    assert {line["kind"] for line in read} == {"token", "address"}
    assert read[0]["locked"] is True
    assert read[0]["handle"] == world.tokens["mia"].split("_")[2]
    assert read[0]["owner"] == "Mia"
    _, words = run("lockouts", "lift", read[0]["id"])
    assert "1 lifted." in words
    event = trail.one("lockout.lifted")
    assert event["organization"] == str(world.organizations["northwind"])
    assert len(json.loads(run("lockouts", "list", "--json")[0])) == len(read) - 1


def test_all_lockouts_are_lifted_at_once(run, locked, app, world, trail):
    assert "4 lifted." in run("lockouts", "lift", "--all")[1]
    assert "Nobody is locked out." in run("lockouts", "list")[1]
    assert len(trail.events("lockout.lifted")) == 4
    sign_in(app, world.tokens["mia"], address="203.0.113.77")


def test_a_lockout_that_is_not_there(run):
    _, words = run("lockouts", "lift", "00000000-0000-4000-8000-000000000000", status=1)
    assert "it may have ended" in words


# Organizations


def test_organizations_are_listed_with_figures_alone(run):
    out, _ = run("organizations", "list")
    head, *rows = out.splitlines()
    assert head.split() == ["slug", "name", "state", "people", "vaults", "credentials", "created", "deletion"]
    assert len(rows) == 2
    read = {line["slug"]: line for line in json.loads(run("organizations", "list", "--json")[0])}
    assert read["lakeside"] == {
        "slug": "lakeside",
        "name": "Lakeside",
        "state": "open",
        "people": 2,
        "vaults": 1,
        "credentials": 1,
        "created": read["lakeside"]["created"],
        "deletion": None,
    }
    assert "Harbor" not in out


def test_a_new_organization_prints_the_link_of_its_first_owner_alone(run, app, trail):
    out, words = run("organizations", "create", "Hill & Side", "--owner", "hanna@hillside.example")
    assert out.startswith(f"{SITE}/enrol/chl_enrol_")
    assert out.count("\n") == 1
    assert "/o/hill-side/" in words
    hanna = Browser(app)
    hanna.open(out.strip().removeprefix(SITE))
    sign_in(app, hanna.press("Create my token").select_one("#token")["value"]).open("/o/hill-side/people")
    assert {event["actor"] for event in trail.events("organization.created")} == {"system"}
    read = json.loads(run("organizations", "create", "Next", "--owner", "ned@next.example", "--json")[0])
    assert (read["slug"], read["email"]) == ("next", "ned@next.example")


def test_an_organization_is_suspended_and_resumed(run, app, world):
    run("organizations", "suspend", "lakeside")
    sign_in(app, world.tokens["mallory"], 403)
    with pytest.raises(Conflict, match="suspended already"):
        run("organizations", "suspend", "lakeside")
    run("organizations", "resume", "lakeside")
    sign_in(app, world.tokens["mallory"])
    with pytest.raises(Conflict, match="is not suspended"):
        run("organizations", "resume", "lakeside")
    with pytest.raises(NotFound, match=r"There is no organization nowhere\."):
        run("organizations", "resume", "nowhere")


def test_what_no_organization_can_be_called_is_refused(run):
    with pytest.raises(Invalid):
        run("organizations", "create", " ", "--owner", "hanna@hillside.example")
    with pytest.raises(Invalid):
        run("organizations", "create", "Hillside", "--owner", "hanna")


def test_the_housekeeping_on_demand_says_what_it_did(run):
    lines = run("maintenance", "run")[0].splitlines()
    assert "0 organizations destroyed after their time to change one's mind." in lines
    assert len(lines) == len(json.loads(run("maintenance", "run", "--json")[0]))
