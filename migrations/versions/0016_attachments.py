"""Files on credentials, and which version of a credential has which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.row_security import protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("attachment", "attachment_version")


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "attachment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_attachment_item_id_item"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_attachment_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_item_id", "attachment", ["item_id"], unique=False)
    op.create_table(
        "attachment_version",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id", "number"],
            ["item_version.item_id", "item_version.number"],
            name=op.f("fk_attachment_version_item_id_item_version"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachment.id"],
            name=op.f("fk_attachment_version_attachment_id_attachment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_attachment_version_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("item_id", "number", "attachment_id", name=op.f("pk_attachment_version")),
    )
    op.create_index(
        "ix_attachment_version_attachment_id", "attachment_version", ["attachment_id"], unique=False
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in protect(table):
                op.execute(statement)


def downgrade() -> None:
    """Bring the tables back to the revision before."""
    for table in reversed(TABLES):
        op.drop_table(table)
