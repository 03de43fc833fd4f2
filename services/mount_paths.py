"""The place of a vault in the Vault-compatible API: one segment, made of its name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from models import Vault
from services import mount_queries as queries
from services.prepared import fetch, run
from services.unit_of_work import UnitOfWork

RESERVED = frozenset({"sys", "auth", "cubbyhole", "identity"})
"""First segments that mean something else to clients."""
PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


def add(uow: UnitOfWork, vault: Vault, path: str | None = None) -> str:
    """Give a vault its place, one made of its name unless *path* is given; return it."""
    here = {"organization_id": vault.organization_id}
    taken = {row.path for row in fetch(uow.connection, queries.PATHS, here)}
    chosen = path or free(_path_from(vault.name), taken)
    run(
        uow.connection,
        queries.INSERT,
        {
            "vault_id": vault.id,
            "organization_id": vault.organization_id,
            "path": chosen,
            "cas_required": False,
            "delete_after": 0,
            "created_at": uow.now,
        },
    )
    return chosen


def _path_from(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    path = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:100] or "vault"
    return f"{path}-vault" if path in RESERVED else path


def free(text: str, taken: Collection[str], form: str = "-{}") -> str:
    """Return *text*, with the first number behind it that makes it another one than those *taken*."""
    found = text
    number = 2
    while found in taken:
        found = f"{text}{form.replace('{}', str(number))}"
        number += 1
    return found
