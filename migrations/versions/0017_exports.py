"""Whether people may export in formats that are not encrypted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.add_column(
        "organization", sa.Column("clear_exports", sa.Boolean(), server_default=sa.true(), nullable=False)
    )


def downgrade() -> None:
    """Bring the tables back to the revision before."""
    # Not as a batch, which makes the table anew: on SQLite that fails while other rows refer to it.
    op.drop_column("organization", "clear_exports")
