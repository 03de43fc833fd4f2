"""Groups, rights on single items, requests, and what a reveal asks for first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OPEN = sa.text("decided_at IS NULL")
# RIGHT is a word of SQL.
CARRY_OVER = """
    INSERT INTO access_grant
        (id, vault_id, user_id, "right", ends_at, granted_by, created_at, organization_id)
    SELECT id, vault_id, user_id, "right", ends_at, granted_by, created_at, organization_id FROM vault_grant
"""
CARRY_BACK = """
    INSERT INTO vault_grant
        (id, vault_id, user_id, "right", ends_at, granted_by, created_at, organization_id)
    SELECT id, vault_id, user_id, "right", ends_at, granted_by, created_at, organization_id FROM access_grant
    WHERE vault_id IS NOT NULL AND user_id IS NOT NULL
"""


def upgrade() -> None:
    """Bring the tables to this revision."""
    _add_groups()
    _add_grants()
    op.execute(CARRY_OVER)
    op.drop_table("vault_grant")
    _add_requests()
    for table in ("vault", "item"):
        op.add_column(table, sa.Column("confirm", sa.Boolean(), nullable=False, server_default=sa.false()))
        op.add_column(table, sa.Column("approval_minutes", sa.Integer(), nullable=True))
    op.add_column("vault", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.false()))


def _add_groups() -> None:
    op.create_table(
        "user_group",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_user_group_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_group")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_user_group_organization_id_name")),
    )
    op.create_table(
        "group_member",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["user_group.id"],
            name=op.f("fk_group_member_group_id_user_group"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_group_member_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_group_member_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_group_member")),
    )
    op.create_index("ix_group_member_organization_id_user_id", "group_member", ["organization_id", "user_id"])


def _add_grants() -> None:
    op.create_table(
        "access_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vault_id", sa.Uuid(), nullable=True),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(vault_id IS NULL) <> (item_id IS NULL)", name=op.f("ck_access_grant_place")),
        sa.CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name=op.f("ck_access_grant_holder")),
        sa.ForeignKeyConstraint(
            ["vault_id"], ["vault.id"], name=op.f("fk_access_grant_vault_id_vault"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_access_grant_item_id_item"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_access_grant_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["user_group.id"],
            name=op.f("fk_access_grant_group_id_user_group"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_access_grant_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
    )
    for place in ("vault_id", "item_id"):
        for holder in ("user_id", "group_id"):
            op.create_index(f"uq_access_grant_{place}_{holder}", "access_grant", [place, holder], unique=True)
    for holder in ("user_id", "group_id"):
        op.create_index(
            f"ix_access_grant_organization_id_{holder}", "access_grant", ["organization_id", holder]
        )


def _add_requests() -> None:
    op.create_table(
        "access_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vault_id", sa.Uuid(), nullable=True),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(vault_id IS NULL) <> (item_id IS NULL)", name=op.f("ck_access_request_place")),
        sa.ForeignKeyConstraint(
            ["vault_id"], ["vault.id"], name=op.f("fk_access_request_vault_id_vault"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_access_request_item_id_item"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_access_request_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_access_request_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_request")),
    )
    for place in ("vault_id", "item_id"):
        op.create_index(
            f"uq_access_request_{place}_user_id",
            "access_request",
            [place, "user_id"],
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        )
    op.create_index(
        "ix_access_request_organization_id_created_at", "access_request", ["organization_id", "created_at"]
    )


def downgrade() -> None:
    """Bring the tables back to the revision before; what it cannot hold is given up."""
    # Not in a batch: that would make the tables anew, and what hangs on the old ones would go with them.
    op.drop_column("vault", "listed")
    for table in ("vault", "item"):
        op.drop_column(table, "approval_minutes")
        op.drop_column(table, "confirm")
    op.drop_table("access_request")
    op.create_table(
        "vault_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vault_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_vault_grant_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_vault_grant_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["vault_id"], ["vault.id"], name=op.f("fk_vault_grant_vault_id_vault"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_grant")),
        sa.UniqueConstraint("vault_id", "user_id", name=op.f("uq_vault_grant_vault_id_user_id")),
    )
    op.create_index("ix_vault_grant_organization_id_user_id", "vault_grant", ["organization_id", "user_id"])
    op.execute(CARRY_BACK)
    op.drop_table("access_grant")
    op.drop_table("group_member")
    op.drop_table("user_group")
