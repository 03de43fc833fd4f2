"""Verifying a backup: restored in a temporary place, looked through, signed; every damage found."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from alembic import command

from crypto.master_keys import MasterKeys
from errors import BackupDamaged, KeysMissing, StartRefused
from models import Backup
from services import backup_checks, backup_sqlite, schema, vaults
from services.backup_opening import unpack
from tests.backups.conftest import MASTERS
from tests.backups.place import SECRET
from tests.world import past_the_program

pytestmark = pytest.mark.sqlite


@pytest.fixture
def verify(files, open_at, tmp_path):
    """Verify a backup."""

    def verify(name):
        folder = tmp_path / "temporary"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return backup_checks.verify(unpack(files, name, MASTERS, folder), files, open_at)

    return verify


def test_a_sound_backup_is_looked_through(make, verify, runtime, trail, database):
    manifest = make()
    before = database.read_bytes()

    check = verify(manifest.name)

    assert check.faults == ()
    assert (check.vaults, check.empty, check.events) == (3, 0, manifest.events)
    assert database.read_bytes() == before
    backup_checks.record(runtime, check)
    event = trail.one("backup.verified")
    assert (event["success"], event["target"]) == (True, manifest.name)
    assert event["extra"] == {"name": manifest.name, "events": manifest.events, "vaults": 3, "faults": 0}


def test_the_result_is_signed_and_nobody_else_writes_one(make, verify, runtime):
    manifest = make()
    check = verify(manifest.name)
    backup_checks.record(runtime, check)

    def result(**changes):
        with runtime.work(writing=False) as uow:
            row = uow.session.query(Backup).one()
            for name, value in changes.items():
                setattr(row, name, value)
            uow.session.expunge(row)
            return backup_checks.result_of(uow, row)

    found = result()
    assert (found.name, found.is_sound, found.at) == (manifest.name, True, check.at.replace(microsecond=0))
    assert "a credential of each of 3 vaults decrypted" in found.words
    assert result(note=check.note.replace("sound", "saund")) is None
    assert result(note=check.note.replace(manifest.name, "another")) is None
    assert result(name="another") is None, "the note is about another backup"
    assert result(note="") is None
    assert result(note=None) is None
    broken = check.note.rstrip("\n")
    assert result(note=f"{broken[:-4]}AAA=\n") is None


DAMAGES = {
    "data cut short": ("data", lambda data: data[:-1], "cut short or altered"),
    "data with another byte": ("data", lambda data: data[:5000] + b"X" + data[5001:], "cut short or altered"),
    "keys with another byte": ("keys", lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:], "altered"),
    "no keys": ("keys", None, "missing"),
    "no data": ("data", None, "missing"),
    "manifest that counts otherwise": (
        "manifest",
        lambda data: data.replace(b'"item": 4', b'"item": 5'),
        "manifest was changed",
    ),
    "manifest that names no key": (
        "manifest",
        lambda data: data.replace(MASTERS.primary_id.encode(), b"00000000"),
        "manifest was changed",
    ),
    "no JSON": ("manifest", lambda data: data[:-10], "manifest cannot be read"),
    "empty manifest": ("manifest", lambda _: b"", "manifest cannot be read"),
    "a list": ("manifest", lambda _: b"[]", "manifest cannot be read"),
    "of a later format": ("manifest", lambda data: data.replace(b'"format": 1', b'"format": 2'), "not know"),
    "of another kind": ("manifest", lambda data: data.replace(b': "backup",', b': "snapshot",'), "another"),
    "far too large": ("keys", lambda _: bytes(17 * 1024 * 1024), "far too large"),
}  # fmt: skip


@pytest.mark.parametrize(("suffix", "spoil", "words"), DAMAGES.values(), ids=DAMAGES)
def test_every_damage_is_found(names, files, place, tmp_path, suffix, spoil, words):
    file = place / f"{names[0]}.{suffix}"
    if spoil is None:
        file.unlink()
    else:
        spoilt = spoil(file.read_bytes())
        assert spoilt != file.read_bytes()
        file.write_bytes(spoilt)

    with pytest.raises(BackupDamaged, match=words):
        unpack(files, names[0], MASTERS, tmp_path)


@pytest.mark.parametrize("suffix", ["keys", "data", "manifest"])
def test_files_of_two_backups_are_not_mixed(names, files, place, tmp_path, suffix):
    one, other = names
    (place / f"{one}.{suffix}").write_bytes((place / f"{other}.{suffix}").read_bytes())
    with pytest.raises(BackupDamaged):
        unpack(files, one, MASTERS, tmp_path)


def test_another_key_opens_nothing(names, files, tmp_path):
    for secret in (bytes(reversed(SECRET)), "a passphrase instead"):
        with pytest.raises(BackupDamaged, match="do not open with this"):
            unpack(replace(files, secret=secret), names[0], MASTERS, tmp_path)


def test_a_missing_master_key_is_named(names, files, tmp_path):
    with pytest.raises(KeysMissing, match=MASTERS.primary_id):
        unpack(files, names[0], MasterKeys([bytes(range(1, 33))]), tmp_path)


def test_what_was_broken_before_the_backup_is_found_by_its_check(
    make, verify, database, world, runtime, trail
):
    item = world.items["Board portal"].hex
    past_the_program(database, "UPDATE item_version SET details = zeroblob(152) WHERE item_id = ?", item)
    past_the_program(database, "UPDATE audit_event SET success = 0 WHERE seq = 3")

    check = verify(make().name)

    assert not check.is_sound
    assert check.vaults == 2
    assert "cannot be decrypted" in check.faults[0]
    assert len(check.faults) >= 3
    backup_checks.record(runtime, check)
    assert trail.one("backup.verified")["success"] is False
    with runtime.work(writing=False) as uow:
        assert not backup_checks.result_of(uow, uow.session.query(Backup).one()).is_sound


def test_a_credential_that_was_carried_into_another_vault_is_found(make, verify, database, world):
    past_the_program(
        database,
        "UPDATE item SET vault_id = ? WHERE id = ?",
        world.vaults["Board"].hex,
        world.items["prod/db primary"].hex,
    )
    past_the_program(database, "DELETE FROM item WHERE id = ?", world.items["Board portal"].hex)
    assert any("past the program" in fault for fault in verify(make().name).faults)


def test_a_vault_without_credentials_is_no_fault(make, verify, database, world, runtime):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        vaults.create(uow, "Empty", "")
    check = verify(make().name)
    assert (check.vaults, check.empty, check.faults) == (3, 1, ())


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(make, verify, monkeypatch, tmp_path):
    """As it will be when it is restored."""
    copy = backup_sqlite.copy

    def copy_older(path, target, progress):
        copy(path, target, progress)
        with backup_sqlite.opened(target) as connection:
            command.downgrade(schema._config_on(connection), "-1")

    monkeypatch.setattr(backup_sqlite, "copy", copy_older)
    manifest = make()

    assert manifest.schema != schema.newest_revision()
    assert verify(manifest.name).faults == ()


def test_a_backup_of_a_later_version_is_refused_with_a_sentence(make, verify, monkeypatch):
    copy = backup_sqlite.copy

    def copy_newer(path, target, progress):
        copy(path, target, progress)
        with backup_sqlite.opened(target) as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    monkeypatch.setattr(backup_sqlite, "copy", copy_newer)
    manifest = make()
    with pytest.raises(StartRefused, match="newer version"):
        verify(manifest.name)


# By the command


def test_the_command_says_what_it_has_found(run, place, trail):
    name = run("backup", "create", "--to", str(place))[0].strip()
    out, _ = run("backup", "verify", str(place / f"{name}.manifest"))

    assert out.startswith(f"{name} can be restored: ")
    assert "a credential of each of 3 vaults decrypted" in out
    assert (place / f"{name}.checked").read_text().startswith("chatelaine-backup/")
    assert trail.one("backup.verified")["actor"] == "system"
    written = json.loads(run("backup", "verify", str(place / f"{name}.data"), "--json")[0])
    assert (written["sound"], written["vaults"]) == (True, 3)


def test_the_command_ends_with_1_where_something_is_wrong(run, place, database, world):
    past_the_program(database, "UPDATE item_version SET details = zeroblob(152)")
    name = run("backup", "create", "--to", str(place))[0].strip()
    out, _ = run("backup", "verify", str(place / f"{name}.manifest"), status=1)
    assert "3 faults found" in out


def test_a_backup_is_verified_where_there_is_no_database(run, place, database, runtime):
    """On another machine, with the keys."""
    name = run("backup", "create", "--to", str(place))[0].strip()
    runtime.close()
    database.rename(database.with_name("gone.db"))
    out, _ = run("backup", "verify", str(place / f"{name}.manifest"))
    assert "can be restored" in out
    assert not database.exists()
    database.with_name("gone.db").rename(database)


def test_a_passphrase_instead_of_a_key(run, place, monkeypatch):
    good = "nine horses drink tea\n"
    name = run("backup", "create", "--to", str(place), "--passphrase", typed=good)[0].strip()
    assert json.loads((place / f"{name}.manifest").read_bytes())["sealed_by"] == "passphrase"
    assert "can be restored" in run("backup", "verify", str(place / f"{name}.manifest"), typed=good)[0]
    with pytest.raises(BackupDamaged, match="do not open with this passphrase"):
        run("backup", "verify", str(place / f"{name}.manifest"), typed="nine horses drink beer\n")
    _, words = run("backup", "create", "--to", str(place), "--passphrase", typed="short\n", status=2)
    assert "at least 12 characters" in words
    monkeypatch.delenv("BACKUP_KEY")
    run("backup", "create", "--to", str(place), typed=good)
    assert len({file.stem for file in place.iterdir()}) == 2


def test_wrong_use_is_answered_with_a_sentence(run, place, monkeypatch):
    for arguments, words in (
        (("create",), "set BACKUP_TO"),
        (("verify", "newest"), "set BACKUP_TO"),
        (("verify", str(place / "holiday.jpg")), "is no backup"),
        (("list",), "set BACKUP_TO"),
        (("create", "--to", str(place), "--keep", "0"), "--keep"),
    ):
        assert words in run("backup", *arguments, status=2)[1]
    name = run("backup", "create", "--to", str(place))[0].strip()
    monkeypatch.delenv("BACKUP_KEY")
    assert "Set BACKUP_KEY" in run("backup", "verify", str(place / f"{name}.keys"), status=2)[1]
    with pytest.raises(BackupDamaged, match="is missing"):
        run("backup", "verify", str(place / "backup-20270115T120000000000Z-00000000-0000"))


def test_the_backups_in_a_place_are_listed(run, place):
    name = run("backup", "create", "--to", str(place))[0].strip()
    (line,) = json.loads(run("backup", "list", "--in", str(place), "--json")[0])
    assert (line["name"], line["sealed_by"], line["master_keys"]) == (name, "key", [MASTERS.primary_id])
