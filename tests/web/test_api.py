"""The small API for programs."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text, update

from crypto.tokens import new_token
from models import AccessToken
from policy import Scope
from tests.guesses import wrong_secret
from tests.world import PASSWORD, login

BOTH = (Scope.ITEMS_LIST, Scope.ITEMS_REVEAL)


@pytest.fixture
def path(world):
    return f"/api/v1/items/{world.items['Stripe dashboard']}/reveal"


def test_a_program_lists_what_its_owner_may_know_of(api, world):
    answer = api("ula", Scope.ITEMS_LIST).get("/api/v1/items")

    told = answer.get_json()
    assert answer.status_code == 200
    assert [item["name"] for item in told["items"]] == ["prod/db primary", "Stripe dashboard"]
    assert told["items"][1] == {
        "id": str(world.items["Stripe dashboard"]),
        "name": "Stripe dashboard",
        "vault": {"id": str(world.vaults["Production"]), "name": "Production"},
        "type": "login",
        "user_name": "vault_rw",
        "urls": ["https://db.northwind.example/login"],
        "tags": ["prod"],
        "expires_on": None,
        "readable": True,
    }
    assert (told["next"], told["total"]) == (None, 2)
    assert PASSWORD not in answer.get_data(as_text=True)


def test_a_list_can_be_searched_and_narrowed_to_a_vault(api, world):
    alice = api("alice", Scope.ITEMS_LIST)

    def names(query):
        return [item["name"] for item in alice.get("/api/v1/items", query_string=query).get_json()["items"]]

    assert names({"q": "stripe"}) == ["Stripe dashboard"]
    assert names({"vault": "Board"}) == ["Board portal"]
    assert names({"vault": str(world.vaults["Board"])}) == ["Board portal"]
    assert names({"q": "stripe", "vault": "Board"}) == []


@pytest.mark.parametrize("vault", ["Board", "Harbor", "Nowhere", "00000000-0000-4000-8000-000000000000"])
def test_a_vault_that_is_hidden_foreign_or_not_there_is_not_there(api, vault):
    assert api("ula", Scope.ITEMS_LIST).get("/api/v1/items", query_string={"vault": vault}).status_code == 404


def test_an_owner_without_a_grant_lists_nothing_of_that_vault(api):
    """Nobody sees by role: the admin knows that the vaults are there, not what is in them."""
    assert api("adam", Scope.ITEMS_LIST).get("/api/v1/items").get_json()["items"] == []


def test_a_long_list_comes_in_pages(api, runtime, world):
    from policy import Right
    from services import item_changes, vaults

    vault_id = world.vaults["Production"]
    with runtime.work(writing=True, actor=world.actor("alice", {vault_id: Right.MANAGE})) as uow:
        vault = vaults.find(uow, vault_id)
        for number in range(120):
            item_changes.create(uow, vault, login(f"item {number:03}"))
    program = api("rhea", Scope.ITEMS_LIST)

    first = program.get("/api/v1/items").get_json()
    rest = program.get("/api/v1/items", query_string={"cursor": first["next"]}).get_json()

    assert (len(first["items"]), first["total"]) == (100, 122)
    assert (len(rest["items"]), rest["next"]) == (22, None)
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 122
    for wrong in ("nonsense", str(world.items["Board portal"]), str(world.items["Lakeside mail"])):
        assert program.get("/api/v1/items", query_string={"cursor": wrong}).status_code == 422


def test_a_program_reveals_all_fields_and_one_event_says_which(api, path, trail, world):
    answer = api("rhea", Scope.ITEMS_REVEAL).post(path)

    told = answer.get_json()
    assert answer.status_code == 200
    assert told["id"] == str(world.items["Stripe dashboard"])
    assert told["version"] == 1
    assert told["fields"]["Password"] == PASSWORD
    assert told["fields"]["TOTP"].isdigit()
    assert answer.headers["Cache-Control"] == "no-store"
    event = trail.one("item.revealed")
    assert event["extra"]["fields"] == list(told["fields"]) or set(event["extra"]["fields"]) == set(
        told["fields"]
    )
    assert event["actor"] == "Rhea (nightly job)"
    assert event["actor_kind"] == "token"


def test_a_program_reveals_only_the_fields_that_it_names(api, path, trail):
    answer = api("rhea", Scope.ITEMS_REVEAL).post(path, json={"fields": ["password"]})

    assert answer.get_json()["fields"] == {"Password": PASSWORD}
    assert trail.one("item.revealed")["extra"]["fields"] == ["Password"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"fields": ["nothing"]}', "application/json", 404),
        (b'{"fields": []}', "application/json", 422),
        (b'{"fields": "password"}', "application/json", 422),
        (b'{"fields": [1]}', "application/json", 422),
        (b'{"fields": [["password"]]}', "application/json", 422),
        (b'{"fields": ["password"], "vault": 1}', "application/json", 422),
        (b'["password"]', "application/json", 422),
        (b"null", "application/json", 422),
        (b"{", "application/json", 422),
        (b'{"fields": ["password"], "fields": ["notes"]}', "application/json", 422),
        (b"[" * 10000, "application/json", 422),
        (b"fields=password", "application/x-www-form-urlencoded", 415),
        (b'{"fields": ["password"]}', "text/plain", 415),
        (b'{"fields": ["' + b"x" * 17000 + b'"]}', "application/json", 413),
    ],
)
def test_a_body_that_says_something_else_is_refused(api, path, trail, body, kind, status):
    answer = api("rhea", Scope.ITEMS_REVEAL).post(path, data=body, content_type=kind)

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == status
    assert "item.revealed" not in trail.actions()


def test_a_field_name_is_never_repeated_back(api, path):
    answer = api("rhea", Scope.ITEMS_REVEAL).post(path, json={"fields": ["hunter2"]})

    assert "hunter2" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Api-Key", "API-KEY"])
def test_the_token_comes_in_the_authorization_header(api, scheme):
    program = api("rhea", Scope.ITEMS_LIST)

    answer = program.get("/api/v1/items", headers={"Authorization": f"{scheme} {program.token}"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic {}", "{}", "Bearer {} x", "Bearer\t{}x", "Token {}", "Bearer x{}"]
)
def test_anything_else_in_it_is_no_token(api, header):
    program = api("rhea", Scope.ITEMS_LIST)

    answer = program.get("/api/v1/items", headers={"Authorization": header.format(program.token)})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="chatelaine", error="invalid_token"'


def test_without_a_token_the_challenge_names_no_fault(api):
    answer = api(None).get("/api/v1/items")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="chatelaine"'
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("name", ["access_token", "token", "api_key", "KEY", "authorization", "anything"])
def test_a_token_in_the_address_is_refused(api, name):
    program = api("rhea", Scope.ITEMS_LIST)

    answer = program.get("/api/v1/items", query_string={name: program.token})

    assert answer.status_code == 400
    assert program.token not in answer.get_data(as_text=True)


def test_two_tokens_are_refused(api):
    one, other = api("rhea", Scope.ITEMS_LIST), api("ula", Scope.ITEMS_LIST)
    both = [("Authorization", f"Bearer {one.token}"), ("Authorization", f"Bearer {other.token}")]

    assert one.client.get("/api/v1/items", headers=both).status_code == 400


def test_a_cookie_opens_nothing_here(browser, path):
    mia = browser("mia")
    assert mia.client.get("/api/v1/items", base_url="http://localhost").status_code == 401
    assert mia.client.post(path, base_url="http://localhost").status_code == 401


def test_an_api_token_opens_nothing_elsewhere(app, api, world):
    program = api("alice", *BOTH)

    for page in ("/", "/account", "/o/northwind/"):
        answer = program.get(page)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/sign-in")


def test_the_handle_of_a_token_with_another_secret_opens_nothing(api, trail):
    program = api("mia", *BOTH)
    guess = {"Authorization": f"Bearer {wrong_secret(program.token)}"}
    assert program.get("/api/v1/items", headers=guess).status_code == 401
    assert trail.one("signin.failed")["extra"]["reason"] == "unknown"
    assert program.get("/api/v1/items").status_code == 200


def test_a_sign_in_token_is_no_api_token(api, world):
    answer = api(None).get("/api/v1/items", headers={"Authorization": f"Bearer {world.tokens['mia']}"})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("scopes", "listing", "revealing"),
    [((Scope.ITEMS_LIST,), 200, 403), ((Scope.ITEMS_REVEAL,), 403, 200), (BOTH, 200, 200)],
)
def test_a_scope_narrows(api, path, scopes, listing, revealing, trail):
    program = api("rhea", *scopes)

    assert program.get("/api/v1/items").status_code == listing
    answer = program.post(path)
    assert answer.status_code == revealing
    if revealing == 403:
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="chatelaine", error="insufficient_scope"'
        assert trail.one("access.denied")["target_id"] == path.split("/")[4]


def test_a_scope_never_widens(api, path):
    assert api("ula", *BOTH).post(path).status_code == 403
    assert api("noah", *BOTH).post(path).status_code == 404
    assert api("adam", *BOTH).post(path).status_code == 404
    assert api("mallory", *BOTH).post(path).status_code == 404


def test_a_trashed_credential_is_not_revealed(api, path, runtime, world):
    with runtime.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE item SET trashed_at = 1, trashed_by = created_by"))

    assert api("rhea", *BOTH).post(path).status_code == 404


def test_a_credential_that_was_tampered_with_is_not_revealed_and_the_event_stays(api, path, runtime, trail):
    with runtime.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE item_version SET details = substr(details, 1, 200)"))

    answer = api("rhea", *BOTH).post(path)

    assert answer.status_code == 409
    assert "cannot be decrypted" in answer.get_json()["detail"]
    assert trail.one("decryption.failed")["success"] is False
    assert "item.revealed" not in trail.actions()


def kill(runtime, program, **changes):
    with runtime.engine.connect() as connection, connection.begin():
        connection.execute(update(AccessToken).where(AccessToken.id == program.token_id).values(**changes))


def test_a_revoked_token_opens_nothing_and_its_use_is_recorded(api, path, runtime, trail):
    from services import clock

    program = api("rhea", *BOTH)
    kill(runtime, program, revoked_at=clock.now())

    assert program.post(path).status_code == 401
    event = trail.one("token.misused")
    assert event["target_id"] == str(program.token_id)
    assert event["success"] is False
    assert event["extra"] == {"kind": "api", "reason": "revoked"}


def test_an_expired_token_opens_nothing(api, path):
    program = api("rhea", *BOTH)

    with time_machine.travel(timedelta(days=31), tick=False):
        assert program.post(path).status_code == 401


def test_a_token_that_was_made_up_opens_nothing(api, path, trail):
    made_up, _ = new_token("api")

    answer = api(None).post(path, headers={"Authorization": f"Bearer {made_up}"})

    assert answer.status_code == 401
    assert trail.one("signin.failed")["target_id"] is None


def test_unknown_addresses_answer_in_the_same_form(api):
    for method in ("get", "post"):
        answer = getattr(api("rhea", *BOTH), method)("/api/v1/nothing")
        assert answer.status_code == 404
        assert answer.mimetype == "application/problem+json"
        assert answer.get_json()["title"] == "There is nothing here"


@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/xml", ""])
def test_pages_are_never_served_here(api, accept):
    answer = api(None).get("/api/v1/items", headers={"Accept": accept})

    assert answer.mimetype == "application/problem+json"


def test_a_callback_is_ignored(api):
    answer = api("rhea", Scope.ITEMS_LIST).get("/api/v1/items", query_string={"callback": "alert"})

    assert answer.mimetype == "application/json"
    assert not answer.get_data(as_text=True).startswith("alert")


def test_the_use_of_a_token_is_noted(api, runtime):
    program = api("rhea", Scope.ITEMS_LIST, address="198.51.100.9")
    program.get("/api/v1/items")
    runtime.committer.close()

    with runtime.work(writing=False) as uow:
        token = uow.session.get(AccessToken, program.token_id)
        assert token.last_used_address == "198.51.100.9"
