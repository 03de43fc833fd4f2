"""The one list of where encrypted values stand: nothing is missing from it, and it counts exactly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import models
from crypto.keyring import SYSTEM
from services import encrypted
from services.database import reading
from services.encrypted import ENCRYPTED, NOT_UNDER_A_DATA_KEY
from services.notes import GRANT_REASON, REQUEST_REASON, TICK_NOTE

LISTED = {f"{each.table.name}.{column}" for each in ENCRYPTED for column in each.columns}


def test_every_column_of_bytes_is_either_re_encrypted_or_said_why_not():
    assert LISTED | set(NOT_UNDER_A_DATA_KEY) == encrypted.columns_of_bytes()
    assert not LISTED & set(NOT_UNDER_A_DATA_KEY)


def test_every_column_whose_model_says_encrypted_is_in_the_list():
    """The house writes it beside the column: nobody who adds one can list it as a digest unnoticed."""
    said = re.compile(
        r'^    (\w+): Mapped\[bytes[^\n]*\n    """(?:Encrypted|[^"]*encrypted under)', re.MULTILINE
    )
    found = {
        name
        for file in Path(models.__file__).parent.glob("*.py")
        for name in said.findall(file.read_text(encoding="utf-8"))
    }
    assert found
    assert found <= {name.partition(".")[2] for name in LISTED}


def test_notes_stand_where_the_list_says():
    places = {f"{note.table}.{note.column}" for note in (GRANT_REASON, REQUEST_REASON, TICK_NOTE)}
    assert places <= LISTED


@pytest.mark.parametrize("each", ENCRYPTED, ids=lambda each: each.table.name)
def test_a_row_needs_a_revision_and_a_record_that_it_has(each):
    wanted = {*each.columns, each.record, each.revision or each.record, each.owner or each.record}
    assert wanted <= set(each.table.columns.keys())
    assert each.of_system or "organization_id" in each.table.columns


def test_rows_are_counted_by_the_version_that_they_need(runtime, world):
    northwind = world.organizations["northwind"]
    versions, *_ = ENCRYPTED
    with reading(runtime.engine) as connection:
        assert encrypted.versions(connection, versions, northwind) == {1: 3}
        assert encrypted.count_left(connection, versions, northwind, 1) == 0
        assert encrypted.count_left(connection, versions, northwind, 2) == 3
        system = encrypted.tables_of(SYSTEM)
        assert sum(encrypted.count(connection, each, SYSTEM) for each in system) == 0
