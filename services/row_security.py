"""The second wall on PostgreSQL: the database itself hides the rows of other organizations.

The first wall is the session's filter and the parameters of prepared statements (services/database.py). This
one holds where somebody forgets them: a transaction that has not said whose rows it means sees none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection, Table, text

from models import Base

TENANT_COLUMNS = ("organization_id", "chain_id")
"""What a table of organizations is known by; a chain of the audit log is called by its organization's id."""

UNPROTECTED: Mapping[str, str] = MappingProxyType(
    {
        "data_key": "each process opens the keys of all organizations; they lie wrapped under a master key",
        "lockout": "a failed sign-in is counted before it is known where it belongs; subjects lie encrypted",
    }
)
"""Tables that name an organization and are left open, and why."""

_SETTING = "current_setting('chatelaine.organization', true)"


def protect(table: str, column: str = "organization_id") -> tuple[str, ...]:
    """Return what hides the rows of a table from all but their organization; for migrations on PostgreSQL."""
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        # Without FOR and WITH CHECK it holds for reading and writing alike.
        f"CREATE POLICY organization ON {table} USING ({_SETTING} IN ({column}::text, 'every organization'))",
    )


def unprotect(table: str) -> tuple[str, ...]:
    """Return what takes :func:`protect` back."""
    return (
        f"DROP POLICY organization ON {table}",
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    )


def tenant_tables() -> dict[str, str]:
    """Return the tables whose rows belong to an organization, each with the column that says to which."""
    found = ((table.name, _tenant_column(table)) for table in Base.metadata.sorted_tables)
    return {name: column for name, column in found if column is not None and name not in UNPROTECTED}


def _tenant_column(table: Table) -> str | None:
    return next((column for column in TENANT_COLUMNS if column in table.columns), None)


_PROTECTED = text("""
    SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid
    WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.polname = 'organization' AND p.polcmd = '*'
""")


def open_tables(connection: Connection) -> list[str]:
    """Return the tables that ought to be protected and are not."""
    protected = set(connection.scalars(_PROTECTED))
    return [name for name in tenant_tables() if name not in protected]


APPEND_ONLY = frozenset({"audit_event", "audit_checkpoint"})
"""What the application may add to, and can neither change nor remove."""
READ_ONLY = frozenset({"alembic_version"})

_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")


def grant(connection: Connection, role: str) -> None:
    """Let *role* work with the rows of all tables, and with nothing else; run by their owner."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    name = quote(role)
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {name}")
    connection.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
    for table in connection.scalars(_TABLES).all():
        connection.exec_driver_sql(f"REVOKE ALL ON TABLE {quote(table)} FROM {name}")
        connection.exec_driver_sql(f"GRANT {rights_on(table)} ON TABLE {quote(table)} TO {name}")


def rights_on(table: str) -> str:
    """Return what the application may do with the rows of a table."""
    if table in READ_ONLY:
        return "SELECT"
    return "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What the database lets the role do that the program runs as.

    Args:
        unbound: no policy holds for it: it is a superuser, or has BYPASSRLS.
        owner: it owns tables, so it could take the policies away.
    """

    name: str
    unbound: bool
    owner: bool


_ROLE = text("""
    SELECT r.rolname, r.rolsuper OR r.rolbypassrls,
        EXISTS (SELECT FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
            AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
    FROM pg_roles r WHERE r.rolname = session_user
""")


def role_facts(connection: Connection) -> RoleFacts:
    """Look at the role that *connection* signed in as."""
    return RoleFacts(*connection.execute(_ROLE).one())
