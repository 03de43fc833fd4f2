"""Credentials through the API: looked at, made, changed, put away, brought back, opened by the hundred."""

from __future__ import annotations

from uuid import uuid4

import pytest

from policy import Right, Scope
from services import item_changes, items, kv_keys, kv_versions
from services.events import SYSTEM_CHAIN
from services.kv_keys import Address
from tests.world import PASSWORD, SEED

USE, WRITE = (Scope.ITEMS_USE,), (Scope.ITEMS_WRITE,)
ALL = tuple(Scope)
NEW = {
    "name": "prod/api",
    "user_name": "svc",
    "tags": ["prod"],
    "fields": [{"name": "password", "value": "s3cret!"}],
}


@pytest.fixture
def stripe(world):
    return f"/api/v1/items/{world.items['Stripe dashboard']}"


@pytest.fixture
def into(world):
    return f"/api/v1/vaults/{world.vaults['Production']}/items"


def values_of(program, path):
    return program.post(f"{path}/reveal").get_json()["fields"]


# Looking


def test_a_credential_is_told_without_its_values(api, stripe, world):
    answer = api("rhea", *USE).get(stripe)
    told = answer.get_json()
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"1"'
    assert (told["name"], told["version"], told["strength"] is not None) == ("Stripe dashboard", 1, True)
    assert told["vault"] == {"id": str(world.vaults["Production"]), "name": "Production"}
    assert {"name": "Password", "kind": "hidden", "filled": True, "custom": False} in told["fields"]
    assert PASSWORD not in answer.get_data(as_text=True)
    assert SEED not in answer.get_data(as_text=True)


def test_who_has_seen_a_version_is_told_all_of_it_again(api, stripe):
    program = api("rhea", *USE)
    # Not a 304: the trash, and another name of the vault, change what is told without a new version.
    assert program.get(stripe, headers={"If-None-Match": '"1"'}).status_code == 200


def test_a_list_is_narrowed_by_type_tag_folder_and_state(api, into):
    program = api("mia", *ALL)
    made = program.post(into, json={**NEW, "type": "api-key", "tags": ["blue"]}).get_json()["id"]

    def names(**query):
        return [one["name"] for one in program.get("/api/v1/items", query_string=query).get_json()["items"]]

    assert names(type="api-key") == ["prod/api"]
    assert names(tag="blue") == ["prod/api"]
    assert names(folder="prod") == ["prod/api", "prod/db primary"]
    program.delete(f"/api/v1/items/{made}")
    assert names(state="trash") == ["prod/api"]
    assert names(type="api-key") == []


def test_pages_are_as_long_as_was_asked(api):
    program = api("rhea", Scope.ITEMS_LIST)
    first = program.get("/api/v1/items?limit=1").get_json()
    rest = program.get("/api/v1/items", query_string={"limit": 1, "cursor": first["next"]}).get_json()
    assert [one["name"] for one in first["items"] + rest["items"]] == ["prod/db primary", "Stripe dashboard"]
    assert rest["next"] is None


def test_a_list_does_not_begin_again_where_its_place_is_destroyed(api):
    program = api("alice", *Scope)
    first = program.get("/api/v1/items?limit=1").get_json()
    second = {"limit": 1, "cursor": first["next"]}
    [last] = first["items"]
    assert program.delete(f"/api/v1/items/{last['id']}").status_code in {200, 204}
    assert program.get("/api/v1/items", query_string=second).get_json()["items"] != [last]
    assert program.delete(f"/api/v1/trash/{last['id']}").status_code == 204
    answer = program.get("/api/v1/items", query_string=second)
    assert (answer.status_code, "has changed" in answer.get_data(as_text=True)) == (422, True)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "type=nothing", "state=gone", "q=" + "x" * 201, "q=%00"]
)
def test_what_a_list_cannot_be_asked_for_is_refused(api, query):
    answer = api("rhea", Scope.ITEMS_LIST).get(f"/api/v1/items?{query}")
    assert answer.status_code in {400, 422}
    assert answer.mimetype == "application/problem+json"


# Making


def test_a_program_makes_a_credential(api, into, trail, world):
    program = api("mia", *ALL)
    answer = program.post(into, json=NEW)
    assert (answer.status_code, answer.get_json()["version"]) == (201, 1)
    path = answer.headers["Location"]
    assert path.endswith(answer.get_json()["id"])
    assert values_of(program, path) == {"Password": "s3cret!"}
    event = trail.one("item.created")
    assert event["actor"] == "Mia (nightly job)"
    assert event["target"] == "prod/api"


def test_fields_that_the_type_does_not_have_become_ones_of_its_own(api, into):
    program = api("mia", *ALL)
    fields = [{"name": "Region", "kind": "text", "value": "eu"}, {"name": "Key", "value": "k"}]
    path = program.post(into, json={"name": "x", "type": "note", "fields": fields}).headers["Location"]
    told = program.get(path).get_json()["fields"]
    assert [(one["name"], one["kind"], one["custom"]) for one in told if one["custom"]] == [
        ("Region", "text", True),
        ("Key", "hidden", True),
    ]
    assert values_of(program, path) == {"Region": "eu", "Key": "k"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": ""}, 422),
        ({"name": "a//b"}, 422),
        ({"name": "x" * 201}, 422),
        ({"name": None}, 422),
        ({"type": "nothing"}, 422),
        ({"expires_on": "soon"}, 422),
        ({"expires_on": "2027-02-30"}, 422),
        ({"urls": "https://x.example"}, 422),
        ({"urls": ["javascript:alert(1)"]}, 422),
        ({"tags": ["a,b"]}, 422),
        ({"fields": [{"name": "password"}]}, 422),
        ({"fields": [{"name": "TOTP", "value": "not a seed"}]}, 422),
        ({"fields": [{"name": "a", "value": "1"}, {"name": "A", "value": "2"}]}, 422),
        ({"vault": "Board"}, 422),
        ({"name": "Stripe dashboard"}, 409),
    ],
)
def test_what_cannot_be_kept_is_refused_and_never_repeated(api, into, trail, change, status):
    answer = api("mia", *WRITE).post(into, json={**NEW, **change})
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert "s3cret!" not in answer.get_data(as_text=True)
    assert "item.created" not in trail.actions()


def test_a_credential_is_made_where_its_owner_may_edit_and_nowhere_else(api, into, world):
    assert api("rhea", *WRITE).post(into, json=NEW).status_code == 403
    assert api("noah", *WRITE).post(into, json=NEW).status_code == 404
    board = f"/api/v1/vaults/{world.vaults['Board']}/items"
    assert api("mia", *WRITE).post(board, json=NEW).status_code == 404


def test_a_token_that_only_writes_learns_nothing(api, into, stripe):
    program = api("mia", *WRITE)
    answer = program.post(into, json=NEW)
    assert answer.get_json().keys() == {"id", "version"}
    path = answer.headers["Location"]
    for refused in (program.get(path), program.post(f"{path}/reveal"), program.get("/api/v1/items")):
        assert refused.status_code == 403
    changed = program.patch(stripe, json={"tags": []}, headers={"If-Match": '"1"'})
    assert changed.get_json().keys() == {"id", "version"}


def test_a_token_for_some_names_makes_and_renames_to_no_others(api, into, stripe, world):
    program = api("mia", *ALL, names=("prod/*",))
    assert program.post(into, json=NEW).status_code == 201
    assert program.post(into, json={**NEW, "name": "dev/api"}).status_code == 403
    primary = f"/api/v1/items/{world.items['prod/db primary']}"
    renamed = program.patch(primary, json={"name": "dev/db"}, headers={"If-Match": '"1"'})
    assert renamed.status_code == 403
    assert program.patch(stripe, json={"tags": []}, headers={"If-Match": '"1"'}).status_code == 404


def test_the_same_key_makes_one_credential(api, into, trail):
    program = api("mia", *ALL)
    headers = {"Idempotency-Key": "deploy-7"}
    answers = [program.post(into, json=NEW, headers=headers) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert len(trail.events("item.created")) == 1
    other = program.post(into, json={**NEW, "name": "other"}, headers=headers)
    assert other.status_code == 409
    assert (
        program.post(into, json={**NEW, "name": "other"}, headers={"Idempotency-Key": "8"}).status_code == 201
    )


def test_a_key_is_a_tokens_own(api, into, trail):
    headers = {"Idempotency-Key": "deploy-7"}
    assert api("mia", *WRITE).post(into, json=NEW, headers=headers).status_code == 201
    assert api("mia", *WRITE).post(into, json={**NEW, "name": "b"}, headers=headers).status_code == 201
    assert len(trail.events("item.created")) == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "späte"])
def test_a_key_that_is_none_is_refused(api, into, key):
    answer = api("mia", *WRITE).post(into, json=NEW, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


def test_keys_are_forgotten_after_a_day(api, into, runtime):
    import time_machine

    from services import clock, maintenance, once

    api("mia", *WRITE).post(into, json=NEW, headers={"Idempotency-Key": "x"})
    assert maintenance.run(runtime)["repeats"] == 0
    with time_machine.travel(clock.now() + once.KEPT, tick=False):
        assert maintenance.run(runtime)["repeats"] == 1


# Changing


def test_a_change_is_a_new_version_and_leaves_the_rest_as_it_is(api, stripe, trail):
    program = api("mia", *ALL)
    before = values_of(program, stripe)
    body = {"user_name": "new", "fields": [{"name": "password", "value": "changed"}]}
    answer = program.patch(stripe, json=body, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    told = program.get(stripe).get_json()
    assert (told["name"], told["user_name"], told["tags"]) == ("Stripe dashboard", "new", ["prod"])
    after = values_of(program, stripe)
    assert (after["Password"], after["Notes"]) == ("changed", before["Notes"])
    assert trail.one("item.changed")["extra"]["fields"] == ["User name", "Password"]


def test_an_earlier_version_comes_back_as_the_next(api, stripe, trail):
    program = api("mia", *ALL)
    before = values_of(program, stripe)["Password"]
    change = {"fields": [{"name": "password", "value": "changed"}]}
    program.patch(stripe, json=change, headers={"If-Match": '"1"'})
    back = f"{stripe}/history/1/restore"
    assert program.post(back).status_code == 428
    assert program.post(back, headers={"If-Match": '"1"'}).status_code == 412
    answer = program.post(back, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert values_of(program, stripe)["Password"] == before
    assert trail.events("item.changed")[-1]["extra"]["restored_version"] == 1
    for number in (0, 9):
        answer = program.post(f"{stripe}/history/{number}/restore", headers={"If-Match": '"3"'})
        assert answer.status_code == 404


def test_what_was_described_and_never_written_has_no_version_to_bring_back(api, runtime):
    program = api("alice", *Scope)
    described = program.post("/v1/production/metadata/new", json={"custom_metadata": {"owner": "ops"}})
    assert described.status_code == 204
    [line] = program.get("/api/v1/items", query_string={"q": "new"}).get_json()["items"]
    answer = program.post(f"/api/v1/items/{line['id']}/history/0/restore", headers={"If-Match": '"0"'})
    assert answer.status_code == 404


def test_null_empties_a_field_and_removes_a_custom_one(api, stripe):
    program = api("mia", *ALL)
    added = {"fields": [{"name": "Region", "kind": "text", "value": "eu"}]}
    program.patch(stripe, json=added, headers={"If-Match": '"1"'})
    emptied = {"fields": [{"name": "region", "value": None}, {"name": "notes", "value": None}]}
    program.patch(stripe, json=emptied, headers={"If-Match": '"2"'})
    assert values_of(program, stripe).keys() == {"Password", "TOTP"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 428), ({"If-Match": '"2"'}, 412), ({"If-Match": "nonsense"}, 412), ({"If-Match": "*"}, 200)],
)
def test_a_change_says_which_version_it_was_made_on(api, stripe, trail, headers, status):
    answer = api("mia", *WRITE).patch(stripe, json={"user_name": "new"}, headers=headers)
    assert answer.status_code == status
    assert ("item.changed" in trail.actions()) is (status == 200)


def test_of_two_changes_on_one_version_the_second_is_refused(api, stripe):
    program = api("mia", *WRITE)
    statuses = [
        program.patch(stripe, json={"user_name": name}, headers={"If-Match": '"1"'}).status_code
        for name in ("a", "b")
    ]
    assert statuses == [200, 412]


def test_the_page_and_the_api_tell_the_same(api, stripe, browser, world):
    program = api("mia", *ALL)
    program.patch(stripe, json={"user_name": "from the API"}, headers={"If-Match": '"1"'})
    mia = browser("mia")
    page = mia.open(f"/o/northwind/items/{world.items['Stripe dashboard']}")
    assert "from the API" in page.words
    mia.open(f"/o/northwind/items/{world.items['Stripe dashboard']}/edit")
    mia.submit("item-form", user_name="from the page")
    told = program.get(stripe).get_json()
    assert (told["user_name"], told["version"]) == ("from the page", 3)
    versions = program.get(f"{stripe}/history").get_json()["versions"]
    assert [(one["number"], one["changed"]) for one in versions] == [
        (3, ["User name"]),
        (2, ["User name"]),
        (1, []),
    ]


def test_an_earlier_version_is_revealed(api, stripe):
    program = api("mia", *ALL)
    body = {"fields": [{"name": "password", "value": "changed"}]}
    program.patch(stripe, json=body, headers={"If-Match": '"1"'})
    told = program.post(f"{stripe}/reveal", json={"version": 1}).get_json()
    assert (told["version"], told["fields"]["Password"]) == (1, PASSWORD)
    assert program.post(f"{stripe}/reveal", json={"version": 9}).status_code == 404


# The trash


def test_a_credential_goes_to_the_trash_and_comes_back(api, stripe, trail):
    program = api("mia", *ALL)
    assert program.delete(stripe).status_code == 204
    assert program.delete(stripe).status_code == 409
    assert program.post(f"{stripe}/reveal").status_code == 404
    assert program.get(stripe).get_json()["trashed_at"]
    assert program.post(f"{stripe}/restore").get_json()["version"] == 1
    assert program.post(f"{stripe}/restore").status_code == 409
    assert trail.actions()[-4:].count("item.restored") == 1


# Many at once


def test_many_are_opened_in_one_request_and_each_is_an_event(api, world, trail):
    program = api("rhea", Scope.ITEMS_REVEAL)
    wanted = [
        {"id": str(world.items["Stripe dashboard"])},
        {"id": str(world.items["prod/db primary"]), "fields": ["password"]},
        {"id": str(world.items["Board portal"])},
        {"id": str(world.items["Lakeside mail"])},
        {"id": str(uuid4())},
    ]
    told = program.post("/api/v1/items/reveal", json={"items": wanted}).get_json()["items"]
    assert [one["status"] for one in told] == [200, 200, 404, 404, 404]
    assert told[1]["fields"] == {"Password": PASSWORD}
    assert [one["id"] for one in told] == [one["id"] for one in wanted]
    revealed = trail.events("item.revealed")
    assert {event["target"] for event in revealed} == {"Stripe dashboard", "prod/db primary"}
    assert len({event["request"] for event in trail.events() if event["request"]}) == 1
    assert len(trail.events("access.denied")) == 3
    crossing = trail.one("access.crossed")
    assert (crossing["target_id"], crossing["chain"]) == (str(world.items["Lakeside mail"]), SYSTEM_CHAIN)


@pytest.mark.parametrize("mark", [items.Protection(confirm=True), items.Protection(approval_minutes=60)])
def test_a_right_that_is_too_small_or_a_mark_stops_one_of_many(api, world, runtime, mark):
    item_id = world.items["Stripe dashboard"]
    actor = world.actor("alice", {world.vaults["Production"]: Right.MANAGE})
    with runtime.work(writing=True, actor=actor) as uow:
        item_changes.protect(uow, items.find(uow, item_id), mark)
    wanted = [{"id": str(item_id)}, {"id": str(world.items["prod/db primary"])}]
    told = api("rhea", Scope.ITEMS_REVEAL).post("/api/v1/items/reveal", json={"items": wanted}).get_json()
    assert [one["status"] for one in told["items"]] == [403, 200]
    told = api("ula", Scope.ITEMS_REVEAL).post("/api/v1/items/reveal", json={"items": wanted}).get_json()
    assert [one["status"] for one in told["items"]] == [403, 403]


@pytest.mark.parametrize("how", [kv_versions.delete, kv_versions.destroy])
def test_what_a_program_has_deleted_stops_none_of_the_others(api, world, runtime, trail, how):
    actor = world.actor("alice", {world.vaults["Production"]: Right.MANAGE})
    with runtime.work(writing=True, actor=actor) as uow:
        how(uow, kv_keys.find(uow, Address("production", "prod/db primary")), [1])
    wanted = [{"id": str(world.items[name])} for name in ("Stripe dashboard", "prod/db primary")]
    answer = api("rhea", Scope.ITEMS_REVEAL).post("/api/v1/items/reveal", json={"items": wanted})
    assert [one["status"] for one in answer.get_json()["items"]] == [200, 409]
    assert trail.one("item.revealed")["target"] == "Stripe dashboard"


@pytest.mark.parametrize("count", [0, 101])
def test_many_are_a_hundred_at_most(api, count):
    wanted = [{"id": str(uuid4())}] * count
    answer = api("rhea", Scope.ITEMS_REVEAL).post("/api/v1/items/reveal", json={"items": wanted})
    assert answer.status_code == 422
