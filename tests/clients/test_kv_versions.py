"""Versions that programs delete, bring back and destroy, and how many are kept for how long."""

from __future__ import annotations

import pytest
import time_machine

from services import clock

X = "production/data/x"


@pytest.fixture
def client(vault):
    client = vault()
    for number in (1, 2, 3):
        client.write(X, {"data": {"n": number}})
    return client


def kept(client, key="x"):
    return list(client.read(f"production/metadata/{key}")["versions"])


def test_a_deleted_version_is_not_found_with_its_metadata_and_comes_back(client, trail):
    client.write(X, method="DELETE")
    answer = client.send("GET", X)
    told = answer.get_json()["data"]
    assert (answer.status_code, told["data"], told["metadata"]["version"]) == (404, None, 3)
    assert told["metadata"]["deletion_time"] != ""

    client.write("production/undelete/x", {"versions": "3"})
    assert client.read(X)["data"] == {"n": 3}
    assert [
        e["extra"]["versions"] for e in trail.events("item.deleted") + trail.events("item.undeleted")
    ] == [[3], [3]]


def test_a_destroyed_version_is_gone_for_good_from_the_database_too(client, world, runtime, trail):
    client.write("production/destroy/x", {"versions": [1, 2]})
    client.write("production/undelete/x", {"versions": [1, 2]})

    answer = client.send("GET", X, query_string={"version": 1})
    assert (answer.status_code, answer.get_json()["data"]["metadata"]["destroyed"]) == (404, True)
    assert client.read(X)["data"] == {"n": 3}
    assert trail.one("item.destroyed")["extra"] == {"versions": [1, 2]}
    assert trail.events("item.undeleted") == []


def test_a_number_of_no_version_is_a_404_without_data(client):
    assert client.refusal("GET", X, query_string={"version": 9}) == (404, [])
    assert client.refusal("GET", X, query_string={"version": "x"})[0] == 400


@pytest.mark.parametrize("verb", ["delete", "undelete", "destroy"])
def test_versions_must_be_named(client, verb):
    word = "no" if verb == "destroy" else "No"
    for body in ({}, {"versions": []}):
        assert client.refusal("POST", f"production/{verb}/x", body) == (
            400,
            [f"{word} version number provided"],
        )
    client.write(f"production/{verb}/nothing", {"versions": [1]})


def test_the_page_of_a_deleted_credential_says_so_and_brings_it_back(client, browser, world):
    client.write(X, method="DELETE")
    alice = browser("alice")
    listed = alice.open(f"/o/northwind/vaults/{world.vaults['Production']}")
    link = next(a["href"] for a in listed.select("a") if a.get_text(strip=True) == "x")
    assert "deleted the newest version" in str(alice.open(link))
    assert "Deleted" in str(alice.open(f"{link}/history"))
    alice.open(link)
    alice.submit("undelete", status=302)
    assert client.read(X)["data"] == {"n": 3}


def test_a_deleted_version_is_not_revealed_on_its_page_either(client, browser, world):
    client.write(X, method="DELETE")
    client.write("production/destroy/x", {"versions": [1]})
    alice = browser("alice")
    listed = alice.open(f"/o/northwind/vaults/{world.vaults['Production']}")
    link = next(a["href"] for a in listed.select("a") if a.get_text(strip=True) == "x")
    for page in (link, f"{link}/versions/1"):
        assert alice.open(page).select_one("#reveal-n") is None
    form = {"csrf_token": alice.csrf(), "field": "n"}
    answer = alice._send("POST", f"{link}/reveal", data=form)
    assert (answer.status_code, "A program has deleted version 3" in answer.get_data(as_text=True)) == (
        409,
        True,
    )
    # What was destroyed has no field any more.
    assert alice._send("POST", f"{link}/reveal", data=form | {"version": "1"}).status_code == 404


def test_the_number_of_versions_is_the_larger_of_the_vault_s_and_the_key_s(client):
    client.write("production/config", {"max_versions": 2})
    client.write(X, {"data": {"n": 4}})
    assert kept(client) == ["3", "4"]
    assert client.read("production/metadata/x")["oldest_version"] == 3

    client.write("production/metadata/x", {"max_versions": 3})
    for number in (5, 6):
        client.write(X, {"data": {"n": number}})
    assert kept(client) == ["4", "5", "6"]
    assert client.refusal("GET", X, query_string={"version": 3}) == (404, [])


def test_the_vault_s_page_does_not_trim_what_a_program_keeps(client, browser, world):
    client.write("production/metadata/x", {"max_versions": 3})
    alice = browser("alice")
    alice.open(f"/o/northwind/vaults/{world.vaults['Production']}/edit")
    alice.submit("vault-form", max_versions="1")
    assert kept(client) == ["1", "2", "3"]


def test_a_mounted_vault_keeps_ten_versions(vault):
    client = vault()
    client.write("sys/mounts/team", {"type": "kv", "options": {"version": "2"}})
    for number in range(12):
        client.write("team/data/x", {"data": {"n": number}})
    assert list(client.read("team/metadata/x")["versions"]) == [str(n) for n in range(3, 13)]


def test_a_version_is_deleted_by_itself_after_a_time(client):
    client.write("production/config", {"delete_version_after": "1h"})
    client.write("production/metadata/x", {"delete_version_after": "30m"})
    written = client.write(X, {"data": {"n": 4}})
    assert written["deletion_time"] > written["created_time"]
    assert client.read(X)["data"] == {"n": 4}

    with time_machine.travel(clock.now().timestamp() + 1801, tick=False):
        assert client.send("GET", X).status_code == 404
        client.write("production/undelete/x", {"versions": [4]})
        again = client.read(X)["metadata"]
        assert again["deletion_time"] > written["deletion_time"]


def test_a_key_can_be_described_before_it_is_written(vault, browser, world):
    client = vault()
    client.write("production/metadata/new/key", {"custom_metadata": {"managed-by": "external-secrets"}})

    about = client.read("production/metadata/new/key")
    assert (about["versions"], about["current_version"]) == ({}, 0)
    assert about["custom_metadata"] == {"managed-by": "external-secrets"}
    assert client.refusal("GET", "production/data/new/key") == (404, [])
    assert client.keys("production/metadata/new") == ["key"]
    alice = browser("alice")
    listed = alice.open(f"/o/northwind/vaults/{world.vaults['Production']}?folder=new")
    link = next(a["href"] for a in listed.select("a") if a.get_text(strip=True).endswith("key"))
    assert "written nothing" in str(alice.open(link))

    written = client.write("production/data/new/key", {"data": {"a": 1}, "options": {"cas": 0}})
    assert (written["version"], written["custom_metadata"]) == (1, {"managed-by": "external-secrets"})


def test_custom_metadata_is_replaced_by_a_write_and_merged_by_a_patch(client):
    client.write("production/metadata/x", {"custom_metadata": {"a": "1", "b": 2, "c": True}})
    assert client.read("production/metadata/x")["custom_metadata"] == {"a": "1", "b": "2", "c": "true"}
    client.write(
        "production/metadata/x",
        {"custom_metadata": {"a": None, "d": "4"}, "max_versions": 7},
        "PATCH",
        content_type="application/merge-patch+json",
    )
    about = client.read("production/metadata/x")
    assert about["custom_metadata"] == {"b": "2", "c": "true", "d": "4"}
    assert about["max_versions"] == 7
    client.write("production/metadata/x", {"custom_metadata": {"only": "this"}})
    assert client.read(X)["metadata"]["custom_metadata"] == {"only": "this"}


@pytest.mark.parametrize(
    "custom",
    [
        "text",
        {"a": {}},
        {"a": None},
        {"": "x"},
        {"a": ""},
        {"a": "x" * 513},
        {"k" * 129: "x"},
        {"a": "x\ny"},
        {str(n): "x" for n in range(65)},
    ],
)
def test_custom_metadata_that_other_servers_refuse_is_refused(client, custom):
    status, [sentence] = client.refusal("POST", "production/metadata/x", {"custom_metadata": custom})
    assert (status, sentence.startswith("custom_metadata validation failed")) == (400, True)


def test_deleting_a_key_s_metadata_puts_it_into_the_trash_where_people_find_it(client, browser, world):
    client.write("production/metadata/x", method="DELETE")
    client.write("production/metadata/x", method="DELETE")
    assert client.refusal("GET", "production/metadata/x") == (404, [])
    assert client.refusal("GET", X) == (404, [])
    assert client.write(X, {"data": {}})["version"] == 1
    assert ">x<" in str(browser("alice").open("/o/northwind/trash"))


def test_what_lies_in_the_trash_is_not_there_for_programs(client, browser, world):
    alice = browser("alice")
    address = f"/o/northwind/items/{world.items['Stripe dashboard']}"
    alice.open(address)
    alice.submit("trash")
    assert client.refusal("GET", "production/data/Stripe dashboard") == (404, [])
    assert client.keys("production/metadata") == ["prod/", "x"]
