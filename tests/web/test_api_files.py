"""Files of credentials through the API: listed, added as they are, downloaded, removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policy import Right, Scope
from services import attachment_changes
from tests.attached import PEM, attach
from tests.pages.conftest import MISSING
from tests.world import past_the_program

STRIPE = "Stripe dashboard"
RAW = "application/octet-stream"


@pytest.fixture
def here(world):
    return f"/api/v1/items/{world.items[STRIPE]}/files"


@pytest.fixture
def server_pem(runtime, world):
    mia = world.actor("mia", {world.vaults["Production"]: Right.EDIT})
    return f"/api/v1/files/{attach(runtime, mia, world.items[STRIPE])}"


def add(program, here, name="server.pem", content=PEM, content_type=RAW):
    return program.post(f"{here}?name={name}" if name else here, data=content, content_type=content_type)


def test_a_file_is_added_listed_downloaded_and_removed(api, here, trail):
    program = api("mia", *Scope)
    answer = add(program, here)
    made = answer.get_json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/files/{made['id']}"
    assert (made["name"], made["type"], made["size"], made["version"]) == (
        "server.pem",
        "text/plain",
        len(PEM),
        2,
    )
    [line] = program.get(here).get_json()["files"]
    assert (line["id"], line["name"], line["readable"]) == (made["id"], "server.pem", True)

    answer = program.get(answer.headers["Location"])
    assert answer.get_data() == PEM
    assert answer.headers["Content-Type"] == RAW
    assert "sandbox" in answer.headers["Content-Security-Policy"]

    assert program.delete(f"/api/v1/files/{made['id']}").get_json()["version"] == 3
    assert program.get(here).get_json() == {"files": []}
    assert trail.actions()[-3:] == ["file.added", "file.downloaded", "file.removed"]


@pytest.mark.parametrize(
    ("name", "content", "kind", "status"),
    [
        ("", PEM, RAW, 422),
        ("a.pem", PEM, "text/plain", 415),
        ("a.pem", b"", RAW, 422),
        ("a.exe", b"MZ\x90\0", RAW, 422),
    ],
)
def test_what_is_not_taken_is_told_as_a_problem(api, here, runtime, name, content, kind, status):
    answer = add(api("mia", Scope.ITEMS_WRITE), here, name, content, kind)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert list(runtime.files.list()) == []


def test_a_token_that_reveals_downloads_and_changes_nothing(api, here, server_pem):
    program = api("mia", Scope.ITEMS_REVEAL)
    assert program.get(server_pem).get_data() == PEM
    assert program.get(here).status_code == 403
    assert program.delete(server_pem).status_code == 403
    assert add(program, here, "b.pem").status_code == 403


def test_a_token_narrowed_to_other_names_gets_no_file(api, server_pem):
    program = api("mia", *Scope, names=("prod/*",))
    assert program.get(server_pem).status_code == 404
    assert program.delete(server_pem).status_code == 404


def test_a_token_narrowed_to_its_name_gets_it(api, server_pem):
    assert api("mia", *Scope, names=("Stripe*",)).get(server_pem).get_data() == PEM


def test_a_right_that_is_gone_by_then_counts(api, here, runtime, world, database, monkeypatch):
    program = api("mia", *Scope)
    real = runtime.files.put

    def put(name, pieces):
        real(name, pieces)
        mia = world.people["mia"].hex
        past_the_program(database, 'UPDATE access_grant SET "right" = 1 WHERE user_id = ?', mia)

    monkeypatch.setattr(runtime.files, "put", put)
    assert add(program, here).status_code == 403
    assert list(runtime.files.list()) == []


def test_what_is_in_the_trash_or_nowhere_is_not_found(api, here, server_pem):
    program = api("mia", *Scope)
    assert program.delete(here.removesuffix("/files")).status_code == 204
    assert program.get(server_pem).status_code == 404
    assert program.get(f"/api/v1/files/{MISSING}").status_code == 404


def test_a_refusal_at_the_last_step_leaves_nothing(api, here, runtime, monkeypatch):
    real = attachment_changes.add

    def late(uow, item, draft):
        return real(uow, item, replace(draft, begun=draft.begun - timedelta(hours=1)))

    monkeypatch.setattr(attachment_changes, "add", late)
    assert add(api("mia", *Scope), here).status_code == 409
    assert list(runtime.files.list()) == []


def test_a_token_that_was_revoked_meanwhile_adds_nothing(api, here, runtime, database, monkeypatch):
    program = api("mia", *Scope)
    real = runtime.files.put

    def put(name, pieces):
        real(name, pieces)
        past_the_program(database, "UPDATE access_token SET revoked_at = 1 WHERE kind = 'api'")

    monkeypatch.setattr(runtime.files, "put", put)
    assert add(program, here).status_code == 401
    assert list(runtime.files.list()) == []
