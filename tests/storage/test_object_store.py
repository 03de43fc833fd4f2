"""Objects are whole or not there, under checked names: in a folder, and at an S3-compatible address."""

from __future__ import annotations

import os
import socket
import stat
from datetime import UTC, datetime, timedelta

import pytest

from crypto.request_signature import EMPTY_DIGEST, Signer, digest_of
from errors import ObjectMissing, StoreFailed
from services import s3_store
from services.object_store import FolderStore
from services.s3_store import Bucket, S3Store
from tests.s3_server import ACCESS_KEY, REGION, SECRET_KEY, Store

BAD_NAMES = [
    "",
    "/etc/passwd",
    "../x",
    "a/../b",
    "a//b",
    "a/",
    ".hidden",
    "a/.part-1",
    "a b",
    "a\\b",
    "a\0b",
    "é",
    "a\n",
    "a?b",
    "x" * 129,
    "/".join("abcdefghi"),
]
SIGNER = Signer(ACCESS_KEY, SECRET_KEY, REGION)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Store(tmp_path_factory.mktemp("s3") / "objects")
    yield server
    server.stop()


@pytest.fixture
def bucket(server):
    """Speak with a bucket of the server, under a prefix or without."""
    return lambda name, prefix="", signer=SIGNER: S3Store(Bucket(server.endpoint, name, prefix), signer)


@pytest.fixture(params=["folder", "s3", "s3 under a prefix"])
def store(request, tmp_path, bucket):
    if request.param == "folder":
        return FolderStore(tmp_path / "there" / "objects")
    # A bucket of its own for each test.
    return bucket(tmp_path.name.lower().replace("_", "-"), "a/b/" if "prefix" in request.param else "")


def content(store, name):
    with store.get(name) as file:
        return file.read()


# What both do


def test_what_is_put_comes_back_under_its_name(store):
    store.put("one/two.bin", iter([b"ab", b"", b"c" * 3_000_000]))
    store.put("empty", [])
    assert content(store, "one/two.bin") == b"ab" + b"c" * 3_000_000
    assert content(store, "empty") == b""
    with store.get("one/two.bin") as file:
        assert (file.read(1), file.read(2)) == (b"a", b"bc")


def test_the_newer_object_of_a_name_stands(store):
    store.put("one", [b"older and longer"])
    store.put("one", [b"newer"])
    assert content(store, "one") == b"newer"
    assert [each.length for each in store.list()] == [5]


def test_objects_are_listed_by_name_from_a_prefix_on(store):
    assert list(store.list()) == []
    begun = datetime.now(UTC) - timedelta(seconds=2)
    for name in ("b/2", "b/1", "b1", "a", "b/c/d"):
        store.put(name, [name.encode()])
    found = list(store.list())
    assert [each.name for each in found] == ["a", "b/1", "b/2", "b/c/d", "b1"]
    assert [each.length for each in found] == [1, 3, 3, 5, 2]
    assert all(begun <= each.changed <= datetime.now(UTC) + timedelta(seconds=2) for each in found)
    assert [each.name for each in store.list("b/")] == ["b/1", "b/2", "b/c/d"]
    assert [each.name for each in store.list("b")] == ["b/1", "b/2", "b/c/d", "b1"]
    assert list(store.list("c")) == list(store.list("a/x/")) == []


def test_what_is_deleted_is_gone_and_deleting_nothing_is_no_fault(store):
    store.put("one", [b"x"])
    store.delete("one")
    store.delete("one")
    store.delete("never/was")
    with pytest.raises(ObjectMissing), store.get("one"):
        pass
    assert list(store.list()) == []


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_names_that_lead_elsewhere_are_refused(store, name):
    for act in (
        lambda: store.put(name, [b"x"]),
        lambda: store.delete(name),
        lambda: store.get(name).__enter__(),
    ):
        with pytest.raises(ValueError):
            act()
    if name not in {"", "a/"}:
        with pytest.raises(ValueError):
            list(store.list(name))


def test_an_object_whose_pieces_end_in_a_fault_is_not_there(store):
    def pieces():
        yield b"x" * 100_000
        raise RuntimeError

    store.put("kept", [b"older"])
    for name in ("kept", "new"):
        with pytest.raises(RuntimeError):
            store.put(name, pieces())
    assert [(each.name, each.length) for each in store.list()] == [("kept", 5)]
    assert store.tidy(datetime.now(UTC) + timedelta(days=1)) == 0


# The folder


@pytest.fixture
def folder(tmp_path):
    return FolderStore(tmp_path / "there" / "objects")


def test_folders_and_files_are_their_owners_alone(folder):
    folder.put("one/two", [b"x"])
    for path in (folder.folder, folder.folder / "one"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder.folder / "one" / "two").stat().st_mode) == 0o600


def test_what_a_killed_process_left_is_no_object_and_is_tidied_when_it_is_old(folder):
    folder.put("one/two", [b"x"])
    left = folder.folder / "one" / ".part-0123456789abcdef"
    left.write_bytes(b"half")
    assert [each.name for each in folder.list()] == ["one/two"]
    assert folder.tidy(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert folder.tidy(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert not left.exists()
    assert content(folder, "one/two") == b"x"


def test_a_link_in_the_place_of_an_object_is_neither_followed_nor_listed(folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"elsewhere")
    folder.put("one", [b"x"])
    (folder.folder / "link").symlink_to(secret)
    with pytest.raises(StoreFailed), folder.get("link"):
        pass
    assert [each.name for each in folder.list()] == ["one"]
    folder.put("link", [b"mine"])
    assert secret.read_bytes() == b"elsewhere"
    assert content(folder, "link") == b"mine"


def test_what_the_file_system_refuses_is_told_without_the_path(folder, tmp_path):
    (tmp_path / "there").write_bytes(b"a file in the way")
    with pytest.raises(StoreFailed, match="cannot be written") as caught:
        folder.put("one", [b"x"])
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(ObjectMissing), folder.get("one"):
        pass


def test_what_goes_wrong_while_an_object_is_used_is_not_taken_for_a_fault_of_the_store(folder):
    folder.put("one", [b"x"])
    with pytest.raises(FileExistsError), folder.get("one"):
        raise FileExistsError


def test_a_file_is_synced_before_it_gets_its_name(folder, monkeypatch):
    steps = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (steps.append("sync"), sync(number)))
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda self, target: (steps.append("named"), replace(self, target))
    )
    folder.put("a", [b"x"])
    named = steps.index("named")
    assert "sync" in steps[:named]
    assert "sync" in steps[named:]


# The address


def test_the_bucket_holds_the_objects_under_the_prefix(bucket, server):
    bucket("prefixed", "our/own/").put("one", [b"x"])
    bucket("prefixed").put("other", [b"y"])
    assert {key: body for key, body in server.bodies().items() if key.startswith("prefixed/")} == {
        "prefixed/our/own/one": b"x",
        "prefixed/other": b"y",
    }
    assert [each.name for each in bucket("prefixed", "our/own/").list()] == ["one"]


def test_long_lists_are_asked_for_page_by_page_and_foreign_names_left_out(bucket, server):
    few = bucket("few")
    names = [f"n{number}" for number in range(7)]
    for name in names:
        few.put(name, [b"x"])
    for key in ("few/n3 & <more>", "few/n31/"):
        (server.folder / f"{len(key)}.json").write_text(
            f'{{"key": "{key}", "body": "00", "at": "2026-11-26T08:00:00.000000"}}'
        )
    assert [each.name for each in few.list()] == names


@pytest.mark.parametrize("bad", ["broken", "away"])
def test_answers_that_are_no_success_are_told_by_their_number(bucket, bad):
    store = bucket(bad)
    for act in (
        lambda: store.put("one", [b"x"]),
        lambda: store.delete("one"),
        lambda: list(store.list()),
        lambda: store.get("one").__enter__(),
    ):
        with pytest.raises(StoreFailed, match=r"status (500|307)"):
            act()


def test_a_wrong_secret_is_refused_there_and_stands_in_no_sentence(bucket):
    signer = Signer(ACCESS_KEY, "not the secret", REGION)
    with pytest.raises(StoreFailed, match="status 403") as caught:
        bucket("signed", signer=signer).put("one", [b"x"])
    assert "not the secret" not in f"{caught.value!r} {signer!r}"


def test_an_answer_that_breaks_off_is_noticed(bucket):
    store = bucket("cut")
    store.put("one", [b"x" * 100_000])
    with pytest.raises(StoreFailed, match="broke off"), store.get("one") as file:
        file.read()


def test_a_store_that_never_answers_is_given_up(bucket, monkeypatch):
    monkeypatch.setattr(s3_store, "SECONDS", 0.2)
    with pytest.raises(StoreFailed, match="too long"):
        bucket("silent").put("one", [b"x"])


def test_a_store_that_is_not_there_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        store = S3Store(Bucket(f"http://127.0.0.1:{port}", "any", ""), SIGNER)
        with pytest.raises(StoreFailed, match="cannot be reached"):
            list(store.list())


# The signature: the examples of the Amazon S3 API reference

EXAMPLE = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
HOST = {"Host": "examplebucket.s3.amazonaws.com"}
PUT = {
    "Date": "Fri, 24 May 2013 00:00:00 GMT",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
}


@pytest.mark.parametrize(
    ("request_", "signature"),
    [
        (
            ("GET", "/test.txt", {}, HOST | {"Range": "bytes=0-9"}, EMPTY_DIGEST),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            ("PUT", "/test$file.text", {}, HOST | PUT, digest_of([b"Welcome to ", b"Amazon S3."])),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            ("GET", "/", {"lifecycle": ""}, HOST, EMPTY_DIGEST),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            ("GET", "/", {"prefix": "J", "max-keys": "2"}, HOST, EMPTY_DIGEST),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
    ids=["object", "upload", "flag", "list"],
)
def test_the_published_examples_are_signed_as_published(request_, signature):
    signed = EXAMPLE.sign(*request_, datetime(2013, 5, 24, tzinfo=UTC))
    assert signed["Authorization"].endswith(f",Signature={signature}")
