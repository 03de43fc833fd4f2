"""Row security and the rate counters, on PostgreSQL alone."""

from __future__ import annotations

from uuid import UUID

from alembic import op

from services.row_security import protect, unprotect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = {
    "access_grant": "organization_id",
    "access_request": "organization_id",
    "access_token": "organization_id",
    "audit_chain": "chain_id",
    "audit_day": "chain_id",
    "audit_event": "chain_id",
    "audit_review": "organization_id",
    "favorite": "organization_id",
    "group_member": "organization_id",
    "invitation": "organization_id",
    "item": "organization_id",
    "item_gone": "organization_id",
    "item_version": "organization_id",
    "leaver_tick": "organization_id",
    "membership": "organization_id",
    "responsibility": "organization_id",
    "user_group": "organization_id",
    "vault": "organization_id",
}
"""The tables of organizations that there were when this was written. A later migration that makes one calls
``protect`` by itself; a test looks."""

CHAINS = ("audit_chain", "audit_day", "audit_event")

SETTING = "current_setting('chatelaine.organization', true)"
PERSON = "current_setting('chatelaine.person', true)"

LOOK_UPS = (
    # Who is asking is looked up before any organization is known: by a session's digest or a token's handle.
    f"CREATE POLICY look_up ON access_token FOR SELECT USING ({SETTING} = 'nobody yet')",
    f"CREATE POLICY look_up ON membership FOR SELECT USING ({SETTING} = 'nobody yet')",
    # People see where else they belong.
    f"CREATE POLICY own ON membership FOR SELECT USING (user_id::text = {PERSON})",
)

# Losing it costs nothing but the counts, so that nobody waits for PostgreSQL's log.
RATE_COUNTER = """
    CREATE UNLOGGED TABLE IF NOT EXISTS rate_counter
        (name TEXT PRIMARY KEY, hits BIGINT NOT NULL, ends_at DOUBLE PRECISION NOT NULL)
"""


def upgrade() -> None:
    """Bring the tables to this revision."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in TABLES.items():
        for statement in protect(table, column):
            op.execute(statement)
    for statement in LOOK_UPS:
        op.execute(statement)
    for table in CHAINS:
        # The system's own chain is no organization's; the operator reads it from within one.
        op.execute(
            f"CREATE POLICY system ON {table} FOR SELECT USING"
            f" (chain_id = '{UUID(int=0)}' AND {SETTING} NOT IN ('', 'nobody yet'))"
        )
    op.execute(RATE_COUNTER)


def downgrade() -> None:
    """Bring the tables back to the revision before."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP TABLE rate_counter")
    op.execute("DROP POLICY own ON membership")
    for table in ("access_token", "membership"):
        op.execute(f"DROP POLICY look_up ON {table}")
    for table in CHAINS:
        op.execute(f"DROP POLICY system ON {table}")
    for table in TABLES:
        for statement in unprotect(table):
            op.execute(statement)
