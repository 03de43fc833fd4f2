"""Reading and writing keys, and that pages and programs always see the same."""

from __future__ import annotations

import json

import pytest
import time_machine

from policy import Scope
from services import clock
from tests.clients.conftest import MERGE
from tests.world import PASSWORD

DB = "production/data/prod/db primary"
NESTED = {
    "text": "a",
    "whole": 12345678901234567890,
    "part": 1.5,
    "no": None,
    "yes": True,
    "deep": {"list": [1, {}]},
}


def test_what_people_made_reads_as_its_fields(vault):
    data = vault().read(DB)
    code = data["data"].pop("totp")

    assert data["data"] == {
        "username": "vault_rw",
        "url": "https://db.northwind.example/login",
        "password": PASSWORD,
        "notes": "Ask Ops before you change it.",
    }
    assert len(code) == 6
    assert data["metadata"]["version"] == 1
    assert data["metadata"]["deletion_time"] == ""
    assert data["metadata"]["custom_metadata"] is None


def test_the_answer_has_the_eight_members_and_its_type_has_no_charset(vault):
    answer = vault().send("GET", DB)
    told = answer.get_json()

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(told) == {
        *("request_id", "lease_id", "renewable", "lease_duration"),
        *("data", "wrap_info", "warnings", "auth"),
    }
    assert told["wrap_info"] is told["warnings"] is told["auth"] is None


def test_a_reveal_stands_in_the_log_with_the_token_s_name_and_no_value(vault, trail, world):
    client = vault()
    client.read(DB)

    event = trail.one("item.revealed")
    assert event["actor"] == "Alice (deploy job)"
    assert event["token_id"] == str(client.token_id)
    assert event["target_id"] == str(world.items["prod/db primary"])
    assert event["extra"]["fields"] == ["username", "url", "password", "totp", "notes"]
    assert PASSWORD not in json.dumps(event["extra"])


def test_nothing_leaves_when_the_log_cannot_be_written(vault, runtime, monkeypatch):
    client = vault()

    def refuse(*_):
        raise RuntimeError("the log is full")

    monkeypatch.setattr(runtime.committer, "submit", refuse)
    answer = client.send("GET", DB)
    assert answer.status_code == 500
    assert PASSWORD not in answer.get_data(as_text=True)


def test_every_type_comes_back_exactly(vault):
    client = vault()
    written = client.write("production/data/app/config", {"data": NESTED})

    assert written["version"] == 1
    answer = client.send("GET", "production/data/app/config")
    assert json.loads(answer.get_data())["data"]["data"] == NESTED
    assert b"12345678901234567890" in answer.get_data()


@pytest.mark.parametrize(
    "body", [b'{"data": {"a": 1e999}}', b'{"data": {"a": 0.12345678901234567890123}}', b"{", b"[1]"]
)
def test_what_cannot_be_kept_exactly_is_refused(vault, body):
    status, [_sentence] = vault().refusal("POST", "production/data/x", data=body)
    assert status == 400


@pytest.mark.parametrize("name", [" a", "a" * 256, "", "a\nb"])
def test_a_key_in_the_data_that_cannot_be_kept_is_refused(vault, name):
    client = vault()
    assert client.refusal("POST", "production/data/x", {"data": {name: "v"}})[0] == 400
    assert client.send("GET", "production/data/x").status_code == 404


def test_two_names_that_differ_in_case_only_are_refused(vault):
    status, [sentence] = vault().refusal("POST", "production/data/x", {"data": {"Key": "1", "key": "2"}})
    assert (status, "Two fields are called" in sentence) == (400, True)


@pytest.mark.parametrize("body", [None, {}, {"data": None}, {"options": {}}])
def test_a_write_without_data_is_refused(vault, body):
    assert vault().refusal("POST", "production/data/x", body) == (400, ["no data provided"])


def test_an_empty_object_is_data(vault):
    client = vault()
    client.write("production/data/x", {"data": {}})
    assert client.read("production/data/x")["data"] == {}


def test_the_body_counts_whatever_its_type_is_called(vault):
    client = vault()
    client.write("production/data/x", data=b'{"data": {"a": "1"}}', content_type="text/plain")
    client.write("production/data/x", method="PUT", data=b'{"data": {"a": "2"}}')
    assert client.read("production/data/x")["data"] == {"a": "2"}


def test_a_page_and_a_program_see_the_same_with_all_of_its_history(vault, browser, world):
    """Mia changes a credential on its page, a program reads and changes it, and she sees that."""
    client = vault("mia")
    address = f"/o/northwind/items/{world.items['prod/db primary']}"
    mia = browser("mia")
    mia.open(f"{address}/edit")
    mia.submit("item-form", password="from the page")

    data = client.read(DB)
    assert (data["data"]["password"], data["metadata"]["version"]) == ("from the page", 2)

    client.write(DB, {"data": {**data["data"], "password": "from a program"}, "options": {"cas": 2}})
    mia.open(address)
    assert "from a program" in str(mia.submit("reveal-password"))
    history = str(mia.open(f"{address}/history"))
    assert "changed Password" in history
    assert [client.read(DB, version=number)["data"]["password"] for number in (1, 2, 3)] == [
        PASSWORD,
        "from the page",
        "from a program",
    ]


def test_the_seed_of_an_authenticator_stays_when_its_code_is_written_back(vault):
    client = vault()
    data = client.read(DB)["data"]
    client.write(DB, {"data": {**data, "password": "new"}})
    with time_machine.travel(clock.now().timestamp() + 3600, tick=False):
        assert client.read(DB)["data"]["totp"] != data["totp"]


def test_a_credential_becomes_key_value_where_its_type_cannot_hold_what_is_written(vault, browser, world):
    client = vault("mia")
    client.write(DB, {"data": {"password": ["a", "list"], "port": 5432}})

    assert client.read(DB)["data"] == {"password": ["a", "list"], "port": 5432}
    page = browser("mia").open(f"/o/northwind/items/{world.items['prod/db primary']}")
    assert "Key-value secret" in str(page)


def test_what_a_program_wrote_shows_on_the_page_and_can_be_edited_there(vault, browser, world):
    client = vault("mia")
    client.write("production/data/app", {"data": {"token": "t0ps3cret", "port": 5432}})
    mia = browser("mia")
    listed = mia.open(f"/o/northwind/vaults/{world.vaults['Production']}")
    link = next(a["href"] for a in listed.select("a") if a.get_text(strip=True) == "app")
    page = str(mia.open(link))
    assert "t0ps3cret" not in page
    mia.open(f"{link}/edit")
    mia.submit("item-form", **{"custom-0-value": "5433"})

    assert client.read("production/data/app")["data"] == {"token": "t0ps3cret", "port": 5433}


def test_a_merge_patch_changes_removes_and_nests(vault):
    client = vault()
    client.write("production/data/x", {"data": {"a": 1, "b": {"c": 2, "d": 3}, "e": [1]}})
    patch = {"data": {"a": None, "b": {"c": 4}, "e": [2], "f": {"g": None}}}
    written = client.write("production/data/x", patch, "PATCH", content_type=MERGE)

    assert written["version"] == 2
    assert client.read("production/data/x")["data"] == {"b": {"c": 4, "d": 3}, "e": [2], "f": {}}


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        ([Scope.ITEMS_REVEAL], 403),
        ([Scope.ITEMS_WRITE], 403),
        ([Scope.ITEMS_REVEAL, Scope.ITEMS_WRITE], 200),
    ],
)
def test_a_merge_needs_to_reveal_and_to_write(vault, trail, scopes, status):
    vault().write("production/data/x", {"data": {"a": 1}})
    answer = vault("alice", scopes).send("PATCH", "production/data/x", {"data": {"b": 2}}, content_type=MERGE)
    assert answer.status_code == status
    assert vault().read("production/metadata/x")["current_version"] == (2 if status == 200 else 1)
    assert trail.actions().count("item.changed") == (1 if status == 200 else 0)


def test_a_patch_of_another_type_or_of_nothing_or_of_what_is_deleted_is_refused(vault):
    client = vault()
    status, [sentence] = client.refusal("PATCH", "production/data/x", {"data": {}})
    assert (status, sentence) == (
        415,
        f"PATCH requires Content-Type of {MERGE}, provided application/json",
    )
    assert client.refusal("PATCH", "production/data/x", {"data": {}}, content_type=MERGE) == (404, [])
    client.write("production/data/x", {"data": {"a": 1}})
    client.write("production/data/x", method="DELETE")
    answer = client.send("PATCH", "production/data/x", {"data": {"a": 2}}, content_type=MERGE)
    assert answer.status_code == 404
    assert answer.get_json()["data"]["version"] == 1


def test_subkeys_show_the_nesting_and_no_value(vault, trail):
    client = vault()
    client.write("production/data/x", {"data": NESTED})

    deep = client.read("production/subkeys/x")["subkeys"]
    assert deep == {
        **dict.fromkeys(("text", "whole", "part", "no", "yes")),
        "deep": {"list": None},
    }
    assert client.read("production/subkeys/x", depth=1)["subkeys"]["deep"] is None
    assert trail.events("item.revealed") == []


@pytest.mark.parametrize(
    ("cas", "sentence"), [(-1, "did not match"), (1, "did not match"), ("x", "error parsing")]
)
def test_a_write_on_another_version_than_the_newest_is_refused(vault, cas, sentence):
    client = vault()
    for number in (1, 2):
        client.write("production/data/x", {"data": {"n": number}})
    status, [said] = client.refusal("POST", "production/data/x", {"data": {}, "options": {"cas": cas}})
    assert (status, sentence in said) == (400, True)
    client.write("production/data/x", {"data": {"n": 3}, "options": {"cas": "2"}})


@pytest.mark.parametrize("path", ["production/config", "production/metadata/x"])
def test_cas_can_be_demanded_for_a_mount_and_for_a_key(vault, path):
    client = vault()
    client.write("production/data/x", {"data": {}})
    client.write(path, {"cas_required": True})

    refused = client.refusal("POST", "production/data/x", {"data": {"a": 1}, "options": {}})
    assert refused == (400, ["check-and-set parameter required for this call"])
    client.write("production/data/x", {"data": {"a": 1}, "options": {"cas": 1}})
