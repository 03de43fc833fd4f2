"""What programs have made with a key of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.row_security import protect

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "repeat",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"], ["access_token.id"], name=op.f("fk_repeat_token_id_access_token")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_repeat_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repeat")),
    )
    op.create_index("uq_repeat_token_id_digest", "repeat", ["token_id", "digest"], unique=True)
    op.create_index("ix_repeat_created_at", "repeat", ["created_at"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        for statement in protect("repeat"):
            op.execute(statement)


def downgrade() -> None:
    """Bring the tables back to the revision before."""
    op.drop_table("repeat")
