"""What a program's token can be narrowed to, which token made it, and accounts of services."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    for column in _columns():
        op.add_column("access_token", column)
    op.create_index("ix_access_token_parent_id", "access_token", ["parent_id"], unique=False)
    op.add_column(
        "user_account", sa.Column("service", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    """Bring the tables back to the revision before."""
    # Not as a batch, which makes the table anew: on SQLite that fails while other rows refer to it.
    op.drop_column("user_account", "service")
    op.drop_index("ix_access_token_parent_id", table_name="access_token")
    for column in reversed(_columns()):
        op.drop_column("access_token", column.name)


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("vault_ids", sa.Text(), server_default="", nullable=False),
        sa.Column("name_patterns", sa.LargeBinary(), nullable=True),
        sa.Column("networks", sa.Text(), server_default="", nullable=False),
        sa.Column("uses_max", sa.Integer(), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=True),
    ]
