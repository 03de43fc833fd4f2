"""When each master key was first used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision; of the keys that there are, the oldest row tells."""
    op.create_table(
        "master_key_seen",
        sa.Column("id", sa.String(length=8), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_master_key_seen")),
    )
    op.execute(
        "INSERT INTO master_key_seen (id, first_at)"
        " SELECT master_key_id, min(created_at) FROM data_key GROUP BY master_key_id"
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("master_key_seen")
