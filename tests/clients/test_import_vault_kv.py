"""Moving in from another Chatelaine: the command that reads a KV engine, against our own addresses."""

from __future__ import annotations

import urllib.request
from datetime import timedelta
from json import dumps

import pytest

from importers.limits import Refused
from importers.vault_kv import read_mount
from policy import Scope
from services import api_tokens
from services.kv_server import KvServer
from tests import world as worlds
from tests.clients import foreign

SECRETS = {
    "shop/database": {"password": "s3cret", "port": 5432, "hosts": ["a", "b"]},
    "shop/api key #1": {"token": "t-1"},
    "gone": {"password": "old"},
}
pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with foreign.place(tmp_path_factory.mktemp("source") / "chatelaine.db") as started:
        ask(started, "sys/mounts/apps", {"type": "kv-v2"})
        for path, data in SECRETS.items():
            ask(started, f"apps/data/{path.replace(' ', '%20').replace('#', '%23')}", {"data": data})
        ask(started, "apps/data/gone", method="DELETE")
        yield started


def ask(place, path, body=None, method="POST"):
    data = None if body is None else dumps(body).encode()
    request = urllib.request.Request(
        f"{place.address}/v1/{path}", data, {"X-Vault-Token": place.token}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 204}


def read(place, token, mount="apps"):
    reading = read_mount(KvServer(place.address, token, ""), mount, "")
    return {
        "/".join((*entry.folder, entry.name)): {f.name: f.value for f in (*entry.fields, *entry.custom)}
        for entry in reading.entries
    }, reading.unread


def test_every_secret_arrives_and_what_is_deleted_is_told(place):
    found, unread = read(place, place.token)
    assert found == {
        "shop/database": {"password": "s3cret", "port": "5432", "hosts": '["a", "b"]'},
        "shop/api key #1": {"token": "t-1"},
    }
    assert unread == ("1 secrets are deleted or empty and are left behind.",)


def test_what_people_made_arrives_with_the_names_of_its_fields(place):
    found, _ = read(place, place.token, "production")
    assert found["Stripe dashboard"]["password"] == worlds.PASSWORD
    assert {"username", "url"} <= found["Stripe dashboard"].keys()


def test_a_token_that_may_only_list_is_told_so(place):
    runtime = worlds.open_world(place.database)
    with runtime.work(writing=True, actor=place.world.actor("alice")) as uow:
        lister = api_tokens.issue(uow, "lister", [Scope.ITEMS_LIST], timedelta(days=1)).text
    runtime.close()
    with pytest.raises(Refused, match="Nothing there can be read with this token"):
        read(place, lister)
