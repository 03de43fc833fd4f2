"""A KV engine of either version is read completely over HTTP; a server that lies is not believed."""

from __future__ import annotations

import pytest

from errors import Invalid
from importers.entry import Entry, EntryKind, EntryType, Reading
from importers.limits import ENTRIES_MAX, Refused
from importers.vault_kv import read_mount
from services.kv_server import KvServer
from services.provider_requests import Line
from tests.importers.kv_engine import TOKEN, KvEngine

SECRETS = {
    "shop": {"username": "root", "password": "s3cret", "url": "https://shop.example.com"},
    "prod/db/main": {"dsn": "postgresql://…", "ports": [5432, 5433], "tls": {"ca": "x"}, "on": True, "n": 3},
    "prod/api key #1": {"token": "t-1"},
    "gone": None,
    "empty": {},
}


def read(engine: KvEngine, folder: str = "", token: str = TOKEN, namespace: str = "") -> Reading:
    return read_mount(KvServer(engine.address, token, namespace), "secret", folder)


def values(entry: Entry) -> dict[str, str]:
    return {field.name: field.value for field in (*entry.fields, *entry.custom)}


@pytest.mark.parametrize("version", [1, 2])
def test_every_secret_arrives_with_its_path_and_types(version):
    with KvEngine(version, SECRETS) as engine:
        reading = read(engine)
    shop, key, main = sorted(reading.entries, key=lambda entry: entry.folder)
    assert (shop.name, shop.type, values(shop)) == ("shop", EntryType.SECRET, SECRETS["shop"])
    assert (key.name, key.folder, values(key)) == ("api key #1", ("prod",), {"token": "t-1"})
    assert (main.name, main.folder) == ("main", ("prod", "db"))
    assert values(main) == {
        "dsn": "postgresql://…",
        "ports": "[5432, 5433]",
        "tls": '{"ca": "x"}',
        "on": "true",
        "n": "3",
    }
    kinds = {field.name for field in main.custom if field.kind is EntryKind.JSON}
    assert kinds == {"ports", "tls", "on", "n"}
    assert reading.unread == ("2 secrets are deleted or empty and are left behind.",)


def test_one_folder_can_be_read_alone():
    with KvEngine(2, SECRETS) as engine:
        assert [entry.name for entry in read(engine, "/prod/db/").entries] == ["main"]


def test_what_the_token_may_not_read_is_said_and_left_behind():
    with KvEngine(2, SECRETS, forbidden=("secret/metadata/prod/", "secret/data/gone")) as engine:
        reading = read(engine)
    assert [entry.name for entry in reading.entries] == ["shop"]
    assert "1 folders may not be listed with this token and are left behind." in reading.unread
    assert "1 secrets may not be read with this token and are left behind." in reading.unread


def test_the_token_and_the_namespace_go_along_in_headers():
    with KvEngine(2, SECRETS) as engine:
        read(engine, namespace="team/a")
    for path, headers in engine.asked:
        assert (headers["X-Vault-Token"], headers["X-Vault-Namespace"]) == (TOKEN, "team/a")
        assert TOKEN not in path


def test_a_wrong_token_and_a_wrong_mount_are_refused():
    with KvEngine(2, SECRETS) as engine:
        with pytest.raises(Refused, match="No KV engine"):
            read(engine, token="hvs.other")
        with pytest.raises(Refused, match="No KV engine"):
            read_mount(KvServer(engine.address, TOKEN), "nowhere")
        with pytest.raises(Refused, match="can be read"):
            read(engine, "no/such/folder")


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (302, b"", "not followed"),
        (500, b"{}", "status 500"),
        (200, b"<html>", "no KV engine says"),
        (200, b"[]", "no KV engine says"),
        (200, b'{"data": 1}', "no KV engine says"),
        (200, b'{"data": {"type": "kv", "options": {"version": 7}}}', "version"),
        (200, b'{"data": {"type": "pki"}}', "No KV engine"),
        (200, b"[" * 100_000, "no KV engine says"),
    ],
)
def test_a_server_that_says_something_else_is_not_believed(status, body, sentence):
    lies = {"sys/internal/ui/mounts/secret": (status, body)}
    with KvEngine(2, SECRETS, lies=lies) as engine, pytest.raises(Refused, match=sentence):
        read(engine)


@pytest.mark.parametrize("name", ["..", "../", ".", "", "/", "a/../../sys/seal", "a//b"])
def test_names_that_would_lead_elsewhere_are_never_asked_for(name):
    listing = b'{"data": {"keys": ["%s", "shop", 7, null]}}' % name.encode()
    with KvEngine(2, SECRETS, lies={"secret/metadata/": (200, listing)}) as engine:
        assert [entry.name for entry in read(engine).entries] == ["shop"]
    assert len(engine.asked) == 3


class Endless:
    """A server whose folders never end."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys

    def ask(self, path, *, listing=False):
        if path.startswith("sys/"):
            return {"type": "kv", "options": None}
        return {"keys": self.keys} if listing else {"password": "a"}


@pytest.mark.parametrize("keys", [["a/"], ["a/", "b/"], ["a"] * (ENTRIES_MAX + 1), ["a", "b", "c/", "d/"]])
def test_folders_without_end_are_refused(keys):
    with pytest.raises(Refused):
        read_mount(Endless(keys), "secret")


def test_an_answer_that_is_too_large_is_refused():
    large = b'{"data": {"type": "kv", "more": "%s"}}' % (b"a" * 5000)
    lies = {"sys/internal/ui/mounts/secret": (200, large)}
    with KvEngine(2, lies=lies) as engine, pytest.raises(Refused, match="too large"):
        read_mount(KvServer(engine.address, TOKEN, line=Line(5, 4096)), "secret")


def test_a_server_that_is_not_there_is_refused():
    with pytest.raises(Refused, match="cannot be reached"):
        read_mount(KvServer("http://127.0.0.1:9", TOKEN), "secret")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://vault.example.com:8200", "TLS"),
        ("http://10.0.0.1", "TLS"),
        ("https://user:pw@vault.example.com", "Write the address"),
        ("https://vault.example.com/?a=b", "Write the address"),
        ("https://vault.example.com:x", "Write the address"),
        ("https://[::1", "Write the address"),
        ("ftp://vault.example.com", "Write the address"),
        ("vault.example.com", "Write the address"),
        ("", "Write the address"),
    ],
)
def test_an_address_that_would_give_the_token_away_is_refused(address, sentence):
    with pytest.raises(Invalid, match=sentence):
        KvServer(address, TOKEN)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Other: b", "ü", "a" * 5000])
def test_a_token_that_is_none_is_refused_unseen(token):
    with pytest.raises(Invalid, match="The token") as refused:
        KvServer("https://vault.example.com", token)
    assert not token or token not in str(refused.value)
