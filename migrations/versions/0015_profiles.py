"""Profiles, leases of tokens, roles by which programs come in, and wrapped answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.row_security import protect, unprotect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("app_role", "auth_mount", "profile", "secret_id", "token_lease", "token_role", "wrapped")
LOOK_UPS = ("app_role", "auth_mount", "secret_id", "wrapped")
"""Looked up by what is shown, before any organization is known."""
SETTING = "current_setting('chatelaine.organization', true)"


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "auth_mount",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(length=120), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_auth_mount_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_auth_mount_owner_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_mount")),
        sa.UniqueConstraint("organization_id", "path", name=op.f("uq_auth_mount_organization_id_path")),
    )
    op.create_table(
        "profile",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("scopes", sa.String(length=400), nullable=False),
        sa.Column("vault_ids", sa.Text(), nullable=False),
        sa.Column("name_patterns", sa.LargeBinary(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_profile_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_profile_organization_id_name")),
    )
    op.create_table(
        "token_role",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("profiles", sa.Text(), nullable=False),
        sa.Column("orphan", sa.Boolean(), nullable=False),
        sa.Column("renewable", sa.Boolean(), nullable=False),
        sa.Column("path_suffix", sa.String(length=100), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("seconds_max", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_token_role_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_token_role_owner_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_role")),
        sa.UniqueConstraint(
            "organization_id", "owner_id", "name", name=op.f("uq_token_role_organization_id_owner_id_name")
        ),
    )
    op.create_table(
        "wrapped",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lookup_id", sa.String(length=8), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("inner", sa.String(length=40), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_wrapped_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrapped")),
        sa.UniqueConstraint("lookup_id", name=op.f("uq_wrapped_lookup_id")),
    )
    op.create_index(
        "ix_wrapped_organization_id_expires_at", "wrapped", ["organization_id", "expires_at"], unique=False
    )
    op.create_table(
        "app_role",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mount_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role_id", sa.String(length=120), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mount_id"], ["auth_mount.id"], name=op.f("fk_app_role_mount_id_auth_mount"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_app_role_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_app_role_owner_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_role")),
        sa.UniqueConstraint("mount_id", "name", name=op.f("uq_app_role_mount_id_name")),
    )
    op.create_index("ix_app_role_role_id", "app_role", ["role_id"], unique=False)
    op.create_table(
        "token_lease",
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.Column("profiles", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("display_name", sa.String(length=120), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=120), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("seconds_max", sa.Integer(), nullable=False),
        sa.Column("renewable", sa.Boolean(), nullable=False),
        sa.Column("orphan", sa.Boolean(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_token_lease_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["access_token.id"],
            name=op.f("fk_token_lease_token_id_access_token"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_token_lease")),
    )
    op.create_table(
        "secret_id",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("networks", sa.Text(), nullable=False),
        sa.Column("token_networks", sa.Text(), nullable=False),
        sa.Column("uses_max", sa.Integer(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_secret_id_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["app_role.id"], name=op.f("fk_secret_id_role_id_app_role"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secret_id")),
        sa.UniqueConstraint("role_id", "digest", name=op.f("uq_secret_id_role_id_digest")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in protect(table):
                op.execute(statement)
        for table in LOOK_UPS:
            op.execute(f"CREATE POLICY look_up ON {table} FOR SELECT USING ({SETTING} = 'nobody yet')")


def downgrade() -> None:
    """Bring the tables back to the revision before."""
    if op.get_bind().dialect.name == "postgresql":
        for table in LOOK_UPS:
            op.execute(f"DROP POLICY look_up ON {table}")
        for table in TABLES:
            for statement in unprotect(table):
                op.execute(statement)
    op.drop_table("secret_id")
    op.drop_table("token_lease")
    op.drop_index("ix_app_role_role_id", table_name="app_role")
    op.drop_table("app_role")
    op.drop_index("ix_wrapped_organization_id_expires_at", table_name="wrapped")
    op.drop_table("wrapped")
    op.drop_table("token_role")
    op.drop_table("profile")
    op.drop_table("auth_mount")
