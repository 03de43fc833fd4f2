"""Where programs find vaults, what they decide about keys, and versions that they delete and destroy."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

from services.row_security import protect, unprotect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("mount", "item_rules")


def upgrade() -> None:
    """Bring the tables to this revision, and give each vault its place."""
    op.create_table(
        "mount",
        sa.Column("vault_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(length=120), nullable=False),
        sa.Column("cas_required", sa.Boolean(), nullable=False),
        sa.Column("delete_after", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["vault_id"], ["vault.id"], name=op.f("fk_mount_vault_id_vault"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_mount_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("vault_id", name=op.f("pk_mount")),
        sa.UniqueConstraint("organization_id", "path", name=op.f("uq_mount_organization_id_path")),
    )
    op.create_table(
        "item_rules",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("max_versions", sa.Integer(), nullable=False),
        sa.Column("cas_required", sa.Boolean(), nullable=False),
        sa.Column("delete_after", sa.BigInteger(), nullable=False),
        sa.Column("custom", sa.LargeBinary(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_item_rules_item_id_item"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_item_rules_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_rules")),
    )
    op.add_column("item_version", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "item_version", sa.Column("destroyed", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    _mount_vaults()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in protect(table):
                op.execute(statement)


def downgrade() -> None:
    """Bring the tables back to the revision before; what was deleted and not destroyed is there again."""
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in unprotect(table):
                op.execute(statement)
    op.drop_column("item_version", "destroyed")
    op.drop_column("item_version", "deleted_at")
    op.drop_table("item_rules")
    op.drop_table("mount")


def _mount_vaults() -> None:
    columns = (sa.column("id", sa.Uuid()), sa.column("organization_id", sa.Uuid()))
    vault = sa.table(
        "vault", *columns, sa.column("name", sa.String()), sa.column("created_at", sa.BigInteger())
    )
    taken: dict[object, set[str]] = defaultdict(set)
    mount = sa.table(
        "mount",
        *(sa.column(name, sa.Uuid()) for name in ("vault_id", "organization_id")),
        sa.column("path", sa.String()),
        sa.column("cas_required", sa.Boolean()),
        *(sa.column(name, sa.BigInteger()) for name in ("delete_after", "created_at")),
    )
    for row in op.get_bind().execute(sa.select(vault).order_by(vault.c.created_at, vault.c.id)).all():
        path = _free(_path_of(row.name), taken[row.organization_id])
        taken[row.organization_id].add(path)
        op.get_bind().execute(
            sa.insert(mount).values(
                vault_id=row.id,
                organization_id=row.organization_id,
                path=path,
                cas_required=False,
                delete_after=0,
                created_at=row.created_at,
            )
        )


def _path_of(name: str) -> str:
    """Make one segment of a vault's name, as the program did when this was written."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    path = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:100] or "vault"
    return f"{path}-vault" if path in {"sys", "auth", "cubbyhole", "identity"} else path


def _free(path: str, taken: set[str]) -> str:
    number = 2
    free = path
    while free in taken:
        free = f"{path}-{number}"
        number += 1
    return free
