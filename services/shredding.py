"""Destroying keys: what they encrypted is unreadable from then on, wherever a copy of it lies.

A copy of the database from before still holds the keys, wrapped under the master key; so does a backup that
has its file of keys.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPICursor

from models import Action
from services import audit, keys
from services.database import WriteLock
from services.events import Target
from services.unit_of_work import UnitOfWork

log = logging.getLogger("chatelaine.shredding")


def shred(uow: UnitOfWork, organization_id: UUID, name: str) -> None:
    """Destroy the keys of an organization; :func:`scrub` afterwards, outside of any transaction.

    It stands in the installation's own log: the organization's can take no event any more.
    """
    destroyed = keys.destroy_keys(uow.connection, organization_id)
    uow.forget_keys()
    target = Target("organization", organization_id, name)
    audit.record(uow, Action.KEY_SHREDDED, target, extra={"keys": destroyed})


def scrub(engine: Engine, lock: WriteLock) -> bool:
    """Leave no trace of what was destroyed in the database's own files; False: not everything is gone yet.

    SQLite writes its file anew and empties the write-ahead log, which whoever reads for longer than ten
    seconds prevents. PostgreSQL writes the table of keys anew, and lets only its owner do so. Writers wait.
    """
    dbapi: Any = engine.dialect.loaded_dbapi
    scrub_here = _scrub_sqlite if engine.dialect.name == "sqlite" else _scrub_postgresql
    lock.acquire()
    # Bare: neither can be done inside of a transaction.
    connection = engine.raw_connection()
    try:
        return scrub_here(connection.cursor())
    except dbapi.OperationalError:
        log.exception("the database's files still hold what was destroyed")
        return False
    finally:
        connection.close()
        lock.release()


def _scrub_sqlite(cursor: DBAPICursor) -> bool:
    cursor.execute("VACUUM")
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    row = cursor.fetchone()
    return row is not None and row[0] == 0


def _scrub_postgresql(cursor: DBAPICursor) -> bool:
    cursor.execute(
        "SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = 'public.data_key'::regclass"
    )
    row = cursor.fetchone()
    if row is None or not row[0]:
        return False
    cursor.execute("VACUUM (FULL) data_key")
    return True
