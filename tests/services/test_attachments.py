"""Files on credentials: stored encrypted, part of versions, and gone with what they were on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from sqlalchemy import select

from errors import Conflict, Invalid, NotFound, StoreFailed, Undecryptable, VersionDeleted
from models import Attachment, Organization
from policy import Right
from services import (
    attachment_changes,
    attachment_rows,
    attachments,
    audit_verify,
    clock,
    item_changes,
    items,
    kv_keys,
    kv_versions,
    maintenance,
    organization_removal,
    reencryption,
    vaults,
)
from services.item_versions import place_of
from services.kv_keys import Address
from services.object_store import FolderStore
from services.rules import AttachmentRules
from tests.attached import PEM, attach, read_back
from tests.world import LAKESIDE, login

DB = "prod/db primary"
BIG = b"".join(b"attached line %05d\n" % number for number in range(15_000))
"""More than four chunks of text."""


@pytest.fixture
def mia(world):
    return world.actor("mia", {world.vaults["Production"]: Right.EDIT})


@pytest.fixture
def put(runtime, world, mia):
    """Put a file on the credential as Mia; return its id."""
    return lambda name="server.pem", content=PEM: attach(runtime, mia, world.items[DB], name, content)


@pytest.fixture
def names(runtime, world, mia):
    """Return what the files of a version are called."""

    def names(number=None):
        with runtime.work(writing=False, actor=mia) as uow:
            item = items.find(uow, world.items[DB])
            return [file.file_name for file in attachments.of(uow, item, number)]

    return names


@pytest.fixture
def act(work, world):
    """Do something to the credential as Alice, who may everything."""

    def act(use_case, *arguments, **named):
        with work("alice", writing=True) as uow:
            return use_case(uow, items.find(uow, world.items[DB]), *arguments, **named)

    return act


@pytest.fixture
def take_off(work):
    def take_off(file_id):
        with work("mia", writing=True) as uow:
            return attachment_changes.remove(uow, attachments.find(uow, file_id))

    return take_off


def stored(runtime):
    return [each.name for each in runtime.files.list()]


def test_what_was_put_comes_back_to_the_byte(runtime, put, mia, world, trail):
    one, other = put("id.txt", BIG), put()
    assert read_back(runtime, mia, one) == BIG
    assert read_back(runtime, mia, other) == PEM

    added, _, downloaded, _ = trail.events()
    assert added["action"] == "file.added"
    assert added["extra"] == {"version": 2, "file": str(one), "size": len(BIG)}
    assert downloaded["action"] == "file.downloaded"
    assert (downloaded["extra"]["version"], downloaded["extra"]["file"]) == (3, str(one))
    assert {event["target"] for event in trail.events()} == {DB}
    assert audit_verify.verify(runtime).faults == ()


def test_no_clear_byte_of_it_lies_anywhere(runtime, put, mia, database):
    read_back(runtime, mia, put("payroll-2027.txt", BIG))
    lies = b"".join(path.read_bytes() for path in database.parent.rglob("*") if path.is_file())
    assert b"attached line" not in lies
    assert b"payroll" not in lies


def test_versions_have_the_files_that_they_had(put, names, take_off, act):
    first = put("a.txt", b"a")
    put("b.txt", b"b")
    take_off(first)
    act(item_changes.edit, replace(login(DB), user_name="other"), expected_version=4)
    assert [names(number) for number in (1, 2, 3, 4)] == [[], ["a.txt"], ["a.txt", "b.txt"], ["b.txt"]]
    assert names() == ["b.txt"]
    assert [line.changed for line in act(items.history)][1:] == [("Files",), ("Files",), ("Files",), ()]


def test_an_earlier_version_comes_back_with_its_files(put, names, take_off, act, runtime, mia):
    one = put("a.txt", b"a")
    take_off(one)
    act(item_changes.restore_version, 2)
    assert names() == ["a.txt"]
    assert act(items.history)[0].changed == ("Files",)
    assert read_back(runtime, mia, one) == b"a"


def test_what_only_an_earlier_version_has_can_still_be_downloaded(put, take_off, runtime, mia):
    one = put()
    take_off(one)
    assert read_back(runtime, mia, one) == PEM
    with pytest.raises(Conflict, match="removed already"):
        take_off(one)


def test_it_goes_with_the_last_version_that_has_it(put, take_off, act, work, world, runtime):
    one = put()
    take_off(one)
    with work("alice", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        vaults.change(uow, vault, name=vault.name, description="", max_versions=2)
    assert len(stored(runtime)) == 1
    act(item_changes.edit, replace(login(DB), user_name="other"), expected_version=3)
    assert stored(runtime) == []
    with work("mia") as uow, pytest.raises(NotFound):
        attachments.find(uow, one)


def test_it_goes_at_once_where_only_one_version_is_kept(put, take_off, work, world, runtime):
    with work("alice", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        vaults.change(uow, vault, name=vault.name, description="", max_versions=1)
    take_off(put())
    assert stored(runtime) == []


def test_it_goes_when_its_vault_keeps_fewer_versions(put, take_off, work, world, runtime):
    take_off(put())
    with work("alice", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        vaults.change(uow, vault, name=vault.name, description="", max_versions=1)
    assert stored(runtime) == []


def test_it_moves_with_its_credential_and_stays_in_the_trash(put, names, act, runtime, mia, world, work):
    one = put()
    with work("alice", writing=True) as uow:
        item_changes.move(uow, items.find(uow, world.items[DB]), vaults.find(uow, world.vaults["Board"]))
    act(item_changes.trash)
    assert names() == ["server.pem"]
    with pytest.raises(Conflict, match="trash"):
        put("other.txt", b"x")
    act(item_changes.restore)
    assert read_back(runtime, mia, one) == PEM


def test_it_is_destroyed_with_its_credential(put, act, runtime, database, sql):
    put()
    act(item_changes.trash)
    act(item_changes.purge)
    assert stored(runtime) == []
    assert sql("SELECT count(*) FROM attachment")[0][0] == 0


def test_nothing_is_removed_when_the_work_is_undone(put, work, world, runtime):
    put()
    with work("alice", writing=True) as uow:
        item_changes.trash(uow, items.find(uow, world.items[DB]))
    with suppress(RuntimeError), work("alice", writing=True) as uow:
        item_changes.purge(uow, items.find(uow, world.items[DB]))
        raise RuntimeError
    assert len(stored(runtime)) == 1


def test_a_store_that_fails_keeps_nobody_from_destroying(put, act, runtime, monkeypatch, mia):
    put()
    act(item_changes.trash)
    monkeypatch.setattr(runtime.files, "delete", _fail)
    act(item_changes.purge)
    monkeypatch.undo()
    with time_machine.travel(clock.now() + timedelta(hours=2), tick=False):
        assert maintenance.run(runtime)["files"] == 1
    assert stored(runtime) == []


def _fail(*_):
    raise StoreFailed("no")


# Versions that programs delete


def by_program(work, use_case, *numbers):
    with work("alice", writing=True) as uow:
        use_case(uow, kv_keys.find(uow, Address("production", DB)), numbers)


def test_a_version_that_a_program_has_deleted_gives_no_file_until_it_is_back(put, work, runtime, mia):
    one = put()
    by_program(work, kv_versions.delete, 2)
    with pytest.raises(VersionDeleted):
        read_back(runtime, mia, one)
    by_program(work, kv_versions.undelete, 2)
    assert read_back(runtime, mia, one) == PEM


def test_a_file_goes_with_the_last_version_that_has_it_and_is_not_destroyed(put, work, runtime, mia, act):
    one = put()
    act(item_changes.edit, replace(login(DB), user_name="other"), expected_version=2)
    by_program(work, kv_versions.destroy, 3)
    assert read_back(runtime, mia, one) == PEM
    by_program(work, kv_versions.destroy, 2)
    assert stored(runtime) == []


def test_a_credential_that_was_described_and_not_written_takes_no_file(runtime, world, mia, work):
    with work("mia", writing=True) as uow:
        place = place_of(uow, world.vaults["Production"])
        described = item_changes.describe_in(uow, place, "prod/new")
    with pytest.raises(Conflict, match="written nothing into it yet"):
        attach(runtime, mia, described)


# What housekeeping removes, and what not


def test_content_without_a_row_goes_after_an_hour_and_no_sooner(runtime, put, mia):
    kept = put()
    with runtime.work(writing=False) as uow:
        instance = uow.keys.instance
    runtime.files.put(f"{instance}/{mia.organization_id}/{mia.id}", [b"of an upload that was killed"])
    runtime.files.put(f"{mia.id}/{mia.id}/{mia.id}", [b"of another installation"])
    assert attachment_rows.remove_strays(runtime) == 0
    with time_machine.travel(clock.now() + timedelta(minutes=59), tick=False):
        assert attachment_rows.remove_strays(runtime) == 0
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        assert attachment_rows.remove_strays(runtime) == 1
    assert len(stored(runtime)) == 2
    assert read_back(runtime, mia, kept) == PEM


def test_an_upload_that_took_too_long_gets_no_row(runtime, world, mia):
    with runtime.work(writing=False, actor=mia) as reader:
        item = items.find(reader, world.items[DB])
        with (
            pytest.raises(Conflict, match="too long"),
            attachment_changes.prepared(reader, item, "a.txt", BytesIO(b"a")) as draft,
        ):
            late = replace(draft, begun=draft.begun - attachment_changes.ADDED_WITHIN - timedelta(seconds=1))
            with runtime.work(writing=True, actor=mia) as uow:
                attachment_changes.add(uow, items.find(uow, item.id), late)
    assert stored(runtime) == []
    assert attachment_changes.ADDED_WITHIN < attachment_rows.STRAY_AFTER


def test_a_store_that_is_away_does_not_stop_housekeeping(runtime, monkeypatch):
    monkeypatch.setattr(runtime.files, "list", _fail)
    assert attachment_rows.remove_strays(runtime) == 0


# Limits


def test_a_file_has_to_hold_something_and_not_too_much(runtime, put):
    with pytest.raises(Invalid, match="not empty"):
        put("a.txt", b"")
    runtime.rules = replace(runtime.rules, attachments=AttachmentRules(max_bytes=1024))
    put("a.txt", b"x" * 1024)
    with pytest.raises(Invalid, match=r"at most 0.0009765\d* MiB"):
        put("b.txt", b"x" * 1025)
    runtime.rules = replace(runtime.rules, attachments=AttachmentRules(max_bytes=0))
    with pytest.raises(Conflict, match="does not want any"):
        put("b.txt", b"x")
    assert len(stored(runtime)) == 1


def test_a_credential_has_so_many_files_and_keeps_so_many(runtime, put, take_off):
    runtime.rules = replace(runtime.rules, attachments=AttachmentRules(per_item=1))
    for _ in range(attachment_changes.EVER):
        one = put()
        with pytest.raises(Conflict, match="at most 1 files"):
            put("other.txt", b"x")
        take_off(one)
    with pytest.raises(Conflict, match="Earlier versions"):
        put()


def test_a_name_stands_once(put, take_off):
    one = put("a.txt", b"1")
    with pytest.raises(Invalid, match=r"already has a file called a\.txt"):
        put("../../a.txt", b"2")
    take_off(one)
    put("a.txt", b"2")


def test_what_two_add_at_once_is_counted_when_it_is_stored(runtime, world, mia):
    with runtime.work(writing=False, actor=mia) as one, runtime.work(writing=False, actor=mia) as other:
        item = items.find(one, world.items[DB])
        with attachment_changes.prepared(one, item, "a.txt", BytesIO(b"1")) as first:  # noqa: SIM117 - it stays
            with (
                pytest.raises(Invalid, match="already has a file"),
                attachment_changes.prepared(other, item, "a.txt", BytesIO(b"2")) as second,
            ):
                for draft in (first, second):
                    with runtime.work(writing=True, actor=mia) as uow:
                        attachment_changes.add(uow, items.find(uow, item.id), draft)
    assert len(stored(runtime)) == 1


# Altered past the program


def test_a_file_that_no_version_has_is_not_found(runtime, put, mia, sql):
    one = put()
    sql("DELETE FROM attachment_version")
    with pytest.raises(NotFound):
        read_back(runtime, mia, one)


def test_a_file_that_was_altered_cut_or_swapped_gives_nothing(runtime, put, mia, trail):
    one, other = put("a.txt", BIG), put("b.txt", BIG)
    folder = runtime.files.folder
    paths = {path.name: path for path in folder.rglob("*") if path.is_file()}
    whole = paths[str(one)].read_bytes()
    altered = bytearray(whole)
    altered[-1] ^= 1
    for bad in (bytes(altered), whole[:-1], whole + b"x", paths[str(other)].read_bytes()):
        paths[str(one)].write_bytes(bad)
        with pytest.raises(Undecryptable):
            read_back(runtime, mia, one)
    paths[str(one)].unlink()
    with pytest.raises(Conflict, match="not where files are kept"):
        read_back(runtime, mia, one)
    assert trail.actions().count("decryption.failed") == 4
    assert "file.downloaded" not in trail.actions()


def test_a_file_that_was_carried_to_another_credential_is_not_believed(runtime, put, mia, world, sql):
    one = put()
    stripe = world.items["Stripe dashboard"]
    sql("UPDATE attachment SET item_id = ?", stripe.hex)
    sql("UPDATE attachment_version SET item_id = ?, number = 1", stripe.hex)
    with runtime.work(writing=False, actor=mia) as uow:
        [file] = attachments.of(uow, items.find(uow, stripe))
        assert file.known_file is None
        assert "cannot be decrypted" in file.file_name
        with pytest.raises(Undecryptable):
            attachments.download(uow, attachments.find(uow, one))


def test_the_clear_content_is_there_for_an_export(runtime, put, mia):
    one = put("a.txt", BIG)
    with runtime.work(writing=False, actor=mia) as uow:
        content = attachments.clear_content(uow, attachments.find(uow, one))
        assert content.length == len(BIG)
        assert uow.events == []
    assert b"".join(content) == BIG
    content.close()


# Keys


def test_a_new_data_key_leaves_the_content_as_it_is(runtime, put, mia, world):
    one = put()
    before = {name: runtime.files.folder.joinpath(name).read_bytes() for name in stored(runtime)}
    northwind = world.organizations["northwind"]
    with runtime.work(writing=True) as uow:
        reencryption.begin(uow, northwind)
    reencryption.run(runtime, northwind)
    with runtime.engine.connect() as connection:
        row = connection.execute(select(Attachment.facts, Attachment.key)).one()
    assert [int.from_bytes(envelope[4:8], "big") for envelope in row] == [2, 2]
    assert {name: runtime.files.folder.joinpath(name).read_bytes() for name in stored(runtime)} == before
    assert read_back(runtime, mia, one) == PEM


def test_the_end_of_an_organization_is_the_end_of_its_files(runtime, put, mia, world):
    put()
    mallory = world.actor("mallory", {world.vaults["Harbor"]: Right.EDIT})
    attach(runtime, mallory, world.items["Lakeside mail"])
    with runtime.work(writing=True) as uow:
        lakeside = uow.session.get_one(Organization, world.organizations[LAKESIDE])
        organization_removal.remove_now(uow, lakeside, "Lakeside")
    with time_machine.travel(clock.now() + timedelta(hours=2), tick=False):
        assert attachment_rows.remove_strays(runtime) == 1
    assert [name.split("/")[1] for name in stored(runtime)] == [str(mia.organization_id)]


def test_a_folder_is_walked_only_where_it_is_ours(runtime, put, tmp_path):
    put()
    assert isinstance(runtime.files, FolderStore)
    assert all(len(name.split("/")) == 3 for name in stored(runtime))
    assert oct(runtime.files.folder.stat().st_mode & 0o777) == "0o700"
