"""What was done about what leavers know, and who looks after things."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "leaver_tick",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_type", sa.String(length=6), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_leaver_tick_item_id_item"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_leaver_tick_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaver_tick")),
        sa.UniqueConstraint(
            "organization_id",
            "subject_type",
            "subject_id",
            "item_id",
            name=op.f("uq_leaver_tick_organization_id_subject_type_subject_id_item_id"),
        ),
    )
    op.create_index("ix_leaver_tick_item_id", "leaver_tick", ["item_id"], unique=False)
    op.create_table(
        "responsibility",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vault_id", sa.Uuid(), nullable=True),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("given_by", sa.Uuid(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(vault_id IS NULL) <> (item_id IS NULL)", name=op.f("ck_responsibility_one_thing")
        ),
        sa.ForeignKeyConstraint(
            ["vault_id"], ["vault.id"], name=op.f("fk_responsibility_vault_id_vault"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_responsibility_item_id_item"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_responsibility_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_responsibility_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_responsibility")),
        sa.UniqueConstraint("vault_id", name=op.f("uq_responsibility_vault_id")),
        sa.UniqueConstraint("item_id", name=op.f("uq_responsibility_item_id")),
    )
    op.create_index(
        "ix_responsibility_organization_id_user_id",
        "responsibility",
        ["organization_id", "user_id"],
        unique=False,
    )


def downgrade() -> None:
    """Bring the tables back to the revision before."""
    op.drop_index("ix_responsibility_organization_id_user_id", table_name="responsibility")
    op.drop_table("responsibility")
    op.drop_index("ix_leaver_tick_item_id", table_name="leaver_tick")
    op.drop_table("leaver_tick")
