"""Where encrypted values stand: the one list that re-encryption, its progress and its tests go by.

A new table with encrypted columns joins with one entry here; a test finds the columns that nobody has listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    RowMapping,
    Table,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    update,
)

from crypto.keyring import SYSTEM
from models import (
    AccessRequest,
    AccessToken,
    Attachment,
    Base,
    Factor,
    Grant,
    ImportPart,
    ImportRun,
    ItemRules,
    ItemVersion,
    LeaverTick,
    Lockout,
    Passkey,
    Profile,
    SsoAttempt,
    Tenant,
    Wrapped,
)
from services import passkey_checks
from services.item_blobs import TABLE as ITEM


@dataclass(frozen=True, slots=True)
class EncryptedTable:
    """A table whose rows hold values under a data key: its organization's, or the system's.

    Args:
        columns: the encrypted ones; each is the name of its own field in the context, where ``field_of`` does
            not say otherwise.
        label: what people call its rows.
        record: the column whose id the context names.
        revision: the column with the row's revision; None: it has none, and counts as 1.
        context: the name of the table in the context; None: its own.
        owner: the column with an id that the name of the field goes by; None: there is none.
    """

    model: type[Base]
    columns: tuple[str, ...]
    label: str
    record: str = "id"
    revision: str | None = None
    context: str | None = None
    owner: str | None = None

    @property
    def table(self) -> Table:
        """The table itself."""
        return Base.metadata.tables[self.model.__tablename__]

    @property
    def of_system(self) -> bool:
        """Whether its values are under the system's data key, whoever they are about."""
        return not issubclass(self.model, Tenant)

    def place_of(self, row: RowMapping, column: str) -> tuple[str, UUID, str, int]:
        """Return where a value stands, as ``KeyRoom`` takes it after the organization."""
        field = passkey_checks.field_of(row[self.owner]) if self.owner else column
        revision = row[self.revision] if self.revision else 1
        return self.context or self.table.name, row[self.record], field, revision


ENCRYPTED = (
    EncryptedTable(
        ItemVersion, ("overview", "details"), "versions of credentials", "item_id", "number", ITEM
    ),
    EncryptedTable(Attachment, ("facts", "key"), "files"),
    EncryptedTable(ItemRules, ("custom",), "metadata of keys", "item_id", "revision"),
    EncryptedTable(Grant, ("reason",), "reasons of rights"),
    EncryptedTable(AccessRequest, ("reason",), "reasons of requests"),
    EncryptedTable(AccessToken, ("name_patterns",), "names that tokens are narrowed to"),
    EncryptedTable(Profile, ("name_patterns",), "names of profiles", revision="revision"),
    EncryptedTable(Wrapped, ("sealed",), "wrapped answers"),
    EncryptedTable(LeaverTick, ("note",), "notes about leavers"),
    EncryptedTable(Factor, ("secret",), "authenticator apps"),
    EncryptedTable(Passkey, ("public_key",), "passkeys", owner="user_id"),
    EncryptedTable(Lockout, ("subject",), "lockouts", revision="revision"),
    EncryptedTable(ImportRun, ("summary",), "imports"),
    EncryptedTable(ImportPart, ("contents",), "imports under way", "run_id", "number"),
    EncryptedTable(SsoAttempt, ("sealed",), "sign-ons under way"),
)

NOT_UNDER_A_DATA_KEY: Mapping[str, str] = MappingProxyType(
    {
        "audit_event.payload": "under the audit key, for good: the chain covers the encrypted bytes",
        "data_key.wrapped": "under a master key: services/key_rotation.py",
        **dict.fromkeys(
            ("audit_chain.head", "audit_event.hash", "audit_event.mac"), "a hash or a MAC of the audit log"
        ),
        **dict.fromkeys(
            (
                "access_token.digest",
                "invitation.digest",
                "item.name_digest",
                "lockout.digest",
                "repeat.body_digest",
                "repeat.digest",
                "secret_id.digest",
                "sso_attempt.digest",
                "user_session.digest",
                "wrapped.digest",
            ),
            "a keyed digest, which nothing opens",
        ),
        **dict.fromkeys(("passkey.credential_id", "passkey_challenge.challenge"), "random, and no secret"),
    }
)
"""Columns of bytes that are no value under a data key, and what they are."""

_VERSION_AT: ColumnElement[int] = literal_column("5")
_VERSION_LEN: ColumnElement[int] = literal_column("4")
"""Where an envelope names the version of its key (crypto/envelope.py), as SQL counts: from 1."""


def tables_of(organization_id: UUID) -> tuple[EncryptedTable, ...]:
    """Return the tables that hold values under the data key of an organization, or of the system."""
    return tuple(each for each in ENCRYPTED if each.of_system is (organization_id == SYSTEM))


def count(connection: Connection, each: EncryptedTable, organization_id: UUID) -> int:
    """Count the rows that hold anything encrypted."""
    table = each.table
    filled = or_(*(table.c[column].is_not(None) for column in each.columns))
    return connection.execute(
        select(func.count()).select_from(table).where(_own(each, organization_id), filled)
    ).scalar_one()


def versions(connection: Connection, each: EncryptedTable, organization_id: UUID) -> dict[int, int]:
    """Count the rows that need each version of the data key; one may need two."""
    table = each.table
    counts: dict[int, int] = {}
    needed = [_version_of(table.c[column]) for column in each.columns]
    grouped = select(*needed, func.count()).where(_own(each, organization_id)).group_by(*needed)
    for *named, number in connection.execute(grouped):
        for version in {int.from_bytes(raw, "big") for raw in named if raw is not None}:
            counts[version] = counts.get(version, 0) + number
    return counts


def count_left(connection: Connection, each: EncryptedTable, organization_id: UUID, version: int) -> int:
    """Count the rows that need another version of the data key than *version*."""
    left = and_(_own(each, organization_id), _is_left(each, version))
    return connection.execute(select(func.count()).select_from(each.table).where(left)).scalar_one()


def left(
    connection: Connection,
    each: EncryptedTable,
    organization_id: UUID,
    version: int,
    *,
    after: Sequence[Any] | None,
    limit: int,
) -> list[RowMapping]:
    """Return the next rows that need another version, in the order of their keys.

    Args:
        after: the key of the last row seen; None: from the first.
    """
    key = _key(each)
    statement = select(each.table).where(_own(each, organization_id), _is_left(each, version))
    if after is not None:
        statement = statement.where(tuple_(*key) > tuple_(*_bound(each, after)))
    return list(connection.execute(statement.order_by(*key).limit(limit)).mappings())


def key_of(each: EncryptedTable, row: RowMapping) -> tuple[Any, ...]:
    """Return the primary key of a row."""
    return tuple(row[column.name] for column in _key(each))


def exchange(
    connection: Connection, each: EncryptedTable, row: RowMapping, fresh: Mapping[str, bytes]
) -> bool:
    """Put other envelopes in place of those in *row*; False: the row has changed since it was read.

    An envelope holds 32 random bytes of its own, so that it is the best version number there is.
    """
    table = each.table
    same = [column == row[column.name] for column in _key(each)]
    same += [table.c[column] == row[column] for column in fresh]
    return connection.execute(update(table).where(*same).values(**fresh)).rowcount == 1


def columns_of_bytes() -> set[str]:
    """Return the name of every column that could hold an envelope."""
    return {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }


def _own(each: EncryptedTable, organization_id: UUID) -> ColumnElement[bool]:
    if each.of_system:
        return true()
    return each.table.c.organization_id == organization_id


def _key(each: EncryptedTable) -> list[Column[Any]]:
    return list(each.table.primary_key.columns)


def _bound(each: EncryptedTable, after: Sequence[Any]) -> list[ColumnElement[Any]]:
    return [literal(value, column.type) for value, column in zip(after, _key(each), strict=True)]


def _version_of(column: Column[Any]) -> ColumnElement[bytes]:
    return func.substr(column, _VERSION_AT, _VERSION_LEN, type_=LargeBinary())


def _is_left(each: EncryptedTable, version: int) -> ColumnElement[bool]:
    named = version.to_bytes(4, "big")
    return or_(*(_version_of(each.table.c[column]) != named for column in each.columns))
