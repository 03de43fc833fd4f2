"""Vaults, tokens, people, the audit log, passwords and health through the API."""

from __future__ import annotations

import json

import pytest

from policy import Scope

ALL = tuple(Scope)


# Vaults


def test_vaults_are_those_that_the_owner_has_a_right_on(api, world):
    told = api("mia", *ALL).get("/api/v1/vaults").get_json()["vaults"]
    assert told == [
        {
            "id": str(world.vaults["Production"]),
            "name": "Production",
            "description": "",
            "right": "edit",
            "items": 2,
        }
    ]
    assert api("adam", *ALL).get("/api/v1/vaults").get_json()["vaults"] == []


def test_a_token_for_some_names_counts_no_others(api, world):
    program = api("rhea", Scope.ITEMS_LIST, names=("prod/*",))
    assert program.get("/api/v1/vaults").get_json()["vaults"][0]["items"] == 1
    assert program.get(f"/api/v1/vaults/{world.vaults['Production']}").get_json()["items"] == 1


def test_a_vault_is_made_once_and_changed(api, trail):
    program = api("mia", *ALL)
    headers = {"Idempotency-Key": "v"}
    made = [program.post("/api/v1/vaults", json={"name": "CI"}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].get_json() == made[1].get_json()
    assert len(trail.events("vault.created")) == 1
    path = made[0].headers["Location"]
    changed = program.patch(path, json={"description": "For pipelines"}).get_json()
    assert (changed["name"], changed["description"], changed["right"]) == ("CI", "For pipelines", "manage")
    assert program.post("/api/v1/vaults", json={"name": "CI"}).status_code == 409
    assert program.post("/api/v1/vaults", json={"name": ""}).status_code == 422


def test_a_name_that_is_taken_out_of_sight_is_not_repeated(api):
    answer = api("mia", *ALL).post("/api/v1/vaults", json={"name": "Board"})
    assert (answer.status_code, answer.get_json()["detail"]) == (409, "That name is taken. Choose another.")


def test_a_vault_that_one_does_not_manage_is_not_changed(api, world):
    path = f"/api/v1/vaults/{world.vaults['Production']}"
    assert api("mia", *ALL).patch(path, json={"name": "x"}).status_code == 403
    assert api("noah", *ALL).patch(path, json={"name": "x"}).status_code == 404
    assert api("noah", *ALL).get(path).status_code == 404


def test_a_token_for_one_vault_makes_no_other(api, world):
    program = api("alice", *ALL, vaults=frozenset({world.vaults["Board"]}))
    assert program.post("/api/v1/vaults", json={"name": "CI"}).status_code == 403


# Tokens


def test_a_token_tells_what_it_is(api, world):
    program = api("mia", Scope.ITEMS_LIST, names=("prod/*",), uses=5, per_minute=100)
    told = program.get("/api/v1/tokens/self").get_json()
    assert (told["name"], told["scopes"], told["owner"]) == ("nightly job", ["items:list"], "Mia")
    assert (told["names"], told["uses"], told["per_minute"], told["vaults"]) == (["prod/*"], 4, 100, None)
    assert program.token not in json.dumps(told)


def mint(program, **changes):
    body = {"name": "step", "scopes": ["items:list"], "seconds": 60, **changes}
    return program.post("/api/v1/tokens", json=body)


def test_a_token_makes_a_narrower_one_and_ends_it(api, app, trail):
    program = api("mia", *ALL)
    answer = mint(program, names=["prod/*"], networks=["192.0.2.0/24"], uses=3)
    made = answer.get_json()
    assert answer.status_code == 201
    assert trail.events("token.created")[1]["extra"]["parent"] == str(program.token_id)
    listed = program.get("/api/v1/tokens").get_json()["tokens"]
    assert [(one["id"], one["handle"], one["state"]) for one in listed] == [
        (made["id"], made["handle"], "expiring")
    ]
    child = {"Authorization": f"Bearer {made['token']}"}
    names = [one["name"] for one in program.get("/api/v1/items", headers=child).get_json()["items"]]
    assert names == ["prod/db primary"]
    assert program.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert program.get("/api/v1/items", headers=child).status_code == 401
    assert trail.one("token.misused")["extra"]["reason"] == "revoked"
    assert program.delete(f"/api/v1/tokens/{made['id']}").status_code == 409


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"scopes": ["items:reveal"]}, 403),
        ({"seconds": 31 * 86400}, 422),
        ({"seconds": 0}, 422),
        ({"scopes": []}, 422),
        ({"scopes": ["everything"]}, 422),
        ({"name": ""}, 422),
        ({"names": ["a*b"]}, 422),
        ({"networks": ["nowhere"]}, 422),
        ({"not_before": "soon"}, 422),
        ({"vaults": ["00000000-0000-4000-8000-000000000000"]}, 422),
        ({"uses": 0}, 422),
        ({"not_before": "2020-01-01T00:00:00"}, 201),
    ],
)
def test_a_token_makes_nothing_wider_nor_anything_that_cannot_be(api, changes, status):
    program = api("mia", Scope.ITEMS_LIST, Scope.TOKENS_ISSUE)
    assert mint(program, **changes).status_code == status


def test_a_token_ends_itself_with_all_that_it_made(api):
    program = api("mia", *ALL)
    child = {"Authorization": f"Bearer {mint(program).get_json()['token']}"}
    assert program.delete("/api/v1/tokens/self").status_code == 204
    assert program.get("/api/v1/tokens/self").status_code == 401
    assert program.get("/api/v1/tokens/self", headers=child).status_code == 401


def test_a_token_ends_no_token_that_it_has_not_made(api, world):
    program, other = api("mia", *ALL), api("mia", *ALL)
    foreign = api("rhea", *ALL)
    for token_id in (other.token_id, foreign.token_id, program.token_id, world.token_ids["mia"]):
        assert program.delete(f"/api/v1/tokens/{token_id}").status_code == 404
    assert other.get("/api/v1/tokens/self").status_code == 200


# People


def test_people_are_told_to_whom_may_see_them(api):
    told = api("audrey", Scope.PEOPLE_READ).get("/api/v1/people").get_json()["people"]
    assert [(one["name"], one["role"]) for one in told][:3] == [
        ("Adam", "admin"),
        ("Alice", "owner"),
        ("Audrey", "auditor"),
    ]
    assert api("mia", Scope.PEOPLE_READ).get("/api/v1/people").status_code == 403


# The audit log


def test_the_log_is_asked_by_action_person_result_and_page(api, world):
    program = api("audrey", Scope.AUDIT_READ)

    def asked(**query):
        return program.get("/api/v1/audit", query_string=query).get_json()

    page = asked(action="item.created", limit=2)
    assert [one["target"] for one in page["events"]] == ["Board portal", "Stripe dashboard"]
    rest = asked(action="item.created", limit=2, cursor=page["next"])
    assert [one["target"] for one in rest["events"]] == ["prod/db primary"]
    assert {one["who"] for one in asked(actor=str(world.people["mia"]))["events"]} == {"Mia"}
    assert asked(result="failed")["events"] == []
    assert asked(since="2999-01-01")["events"] == []
    of_item = asked(target=str(world.items["Stripe dashboard"]))["events"]
    assert [one["action"] for one in of_item] == ["item.created"]


@pytest.mark.parametrize("query", ["cursor=x", "action=nothing", "actor=me", "since=today", "result=maybe"])
def test_what_the_log_cannot_be_asked_is_refused(api, query):
    assert api("audrey", Scope.AUDIT_READ).get(f"/api/v1/audit?{query}").status_code == 422


def test_the_log_is_streamed_as_lines_and_that_is_an_event(api, trail):
    answer = api("audrey", Scope.AUDIT_READ).get("/api/v1/audit/stream")
    lines = [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]
    assert answer.mimetype == "application/jsonl"
    assert len([line for line in lines if "seq" in line]) > 10
    assert trail.one("audit.exported")["actor_kind"] == "token"


def test_a_stream_goes_on_behind_the_last_event_that_was_seen(api, runtime):
    program = api("audrey", Scope.AUDIT_READ)
    answer = program.get("/api/v1/audit/stream?after=3")
    numbers = [json.loads(line).get("seq") for line in answer.get_data(as_text=True).splitlines()]
    assert next(number for number in numbers if number) == 4
    empty = program.get("/api/v1/audit/stream?after=999999")
    assert not any("seq" in json.loads(line) for line in empty.get_data(as_text=True).splitlines())


def test_a_token_that_is_for_some_vaults_reads_no_log(api, world):
    program = api("alice", Scope.AUDIT_READ, vaults=frozenset({world.vaults["Board"]}))
    assert program.get("/api/v1/audit").status_code == 403


# The rest


def test_a_password_is_made_and_kept_nowhere(api):
    program = api("rhea", Scope.ITEMS_LIST)
    one, other = (program.post("/api/v1/generator").get_json() for _ in range(2))
    assert one["value"] != other["value"]
    assert (len(one["value"]), one["bits"] > 100) == (20, True)
    phrase = program.post("/api/v1/generator", json={"kind": "phrase", "words": 5, "separator": " "})
    assert len(phrase.get_json()["value"].split(" ")) == 5
    none = dict.fromkeys(("lower", "upper", "digits", "symbols"), False)
    assert program.post("/api/v1/generator", json=none).status_code == 422


def test_health_is_told(api):
    told = api("rhea", Scope.ITEMS_LIST).get("/api/v1/health").get_json()
    assert told["state"] == "ready"
    assert {one["name"] for one in told["findings"]} == {"database", "keys", "disk", "audit"}


def test_what_lies_in_the_trash_is_destroyed_by_whom_it_is_granted_to(api, world, trail):
    item = world.items["Board portal"]
    program = api("alice", *ALL)
    assert program.delete(f"/api/v1/trash/{item}").status_code == 409
    program.delete(f"/api/v1/items/{item}")
    assert api("alice", Scope.ITEMS_WRITE).delete(f"/api/v1/trash/{item}").status_code == 403
    assert program.delete(f"/api/v1/trash/{item}").status_code == 204
    assert trail.one("item.purged")["target"] == "Board portal"


# Pages of lists


@pytest.mark.parametrize("path", ["vaults", "people", "tokens"])
def test_a_list_comes_in_pages_that_make_the_whole(api, path):
    program = api("alice", *ALL)
    for name in ("one", "two"):
        program.post("/api/v1/vaults", json={"name": name})
        program.post("/api/v1/tokens", json={"name": name, "scopes": ["items:list"], "seconds": 60})
    whole = program.get(f"/api/v1/{path}").get_json()
    found, cursor = [], ""
    while cursor is not None:
        part = program.get(f"/api/v1/{path}?limit=1&cursor={cursor}").get_json()
        found += part[path]
        cursor = part["next"]
    assert len(found) > 1
    assert found == whole[path]
    assert whole["next"] is None


def test_a_cursor_that_is_none_is_refused(api, world):
    program = api("mia", *ALL)
    for wrong in ("qqq", world.vaults["Board"]):
        answer = program.get(f"/api/v1/vaults?cursor={wrong}")
        assert answer.status_code == 422
        assert str(wrong) not in answer.get_data(as_text=True)
