"""What is destroyed is gone from the database's own files as well, and nothing else is."""

from __future__ import annotations

import pytest

from errors import Conflict, Invalid
from models import Organization
from services import audit_reading, audit_verify, organization_removal, shredding
from services import database as databases
from services.audit_reading import Filter
from services.events import SYSTEM_CHAIN
from tests import world as worlds

pytestmark = pytest.mark.sqlite


@pytest.fixture
def lakeside(world):
    return world.organizations["lakeside"]


@pytest.fixture
def destroy(runtime, lakeside):
    def destroy(typed="Lakeside"):
        with runtime.work(writing=True) as uow:
            organization_removal.remove_now(uow, uow.session.get_one(Organization, lakeside), typed)
        return shredding.scrub(runtime.engine, runtime.write_lock)

    return destroy


def files_of(path):
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def secrets_of(sql, organization):
    """Return what of an organization must be gone: its wrapped keys, and what was encrypted under them."""
    keys = sql("SELECT wrapped FROM data_key WHERE organization_id = ?", organization.hex)
    values = sql("SELECT details FROM item_version WHERE organization_id = ?", organization.hex)
    return [row[0] for row in (*keys, *values)]


def test_no_byte_of_the_keys_is_left_in_any_file_of_the_database(database, sql, lakeside, destroy):
    doomed = secrets_of(sql, lakeside)
    assert len(doomed) == 3
    assert all(secret in files_of(database) for secret in doomed)
    assert destroy() is True
    assert not any(secret in files_of(database) for secret in doomed)


def test_others_keep_theirs(database, sql, world, destroy):
    kept = secrets_of(sql, world.organizations["northwind"])
    destroy()
    assert all(secret in files_of(database) for secret in kept)
    assert sql("PRAGMA integrity_check") == [("ok",)]


def test_it_stands_in_the_log_of_the_installation_which_still_proves_itself(runtime, lakeside, destroy):
    destroy()
    with runtime.work(writing=False) as uow:
        lines = audit_reading.page(uow, SYSTEM_CHAIN, Filter(), limit=5).lines
    shredded = next(line for line in lines if line.action == "key.shredded")
    assert (shredded.target, shredded.target_id) == ("Lakeside", lakeside)
    assert dict(shredded.details.extra) == {"keys": 2}
    assert audit_verify.verify(runtime).faults == ()


def test_nothing_is_destroyed_by_a_slip(runtime, sql, lakeside, destroy):
    before = secrets_of(sql, lakeside)
    with pytest.raises(Invalid, match="not the name"):
        destroy("lakeside")
    assert secrets_of(sql, lakeside) == before


def test_the_only_organization_is_not_destroyed(runtime, world, destroy):
    destroy()
    with runtime.work(writing=True) as uow:
        northwind = uow.session.get_one(Organization, world.organizations["northwind"])
        with pytest.raises(Conflict, match="only organization"):
            organization_removal.remove_now(uow, northwind, "Northwind")


def test_who_reads_for_long_is_told_of(database, monkeypatch, runtime):
    monkeypatch.setattr(databases, "_PRAGMAS", (*databases._PRAGMAS, "busy_timeout = 1"))
    other = worlds.open_world(database)
    with databases.reading(runtime.engine) as connection:
        connection.exec_driver_sql("SELECT count(*) FROM item").all()
        assert shredding.scrub(other.engine, other.write_lock) is False
    assert shredding.scrub(other.engine, other.write_lock) is True
    other.close()
