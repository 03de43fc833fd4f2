"""How long tokens last that come in at a mount."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS = ("seconds_usual", "seconds_max")


def upgrade() -> None:
    """Bring the tables to this revision."""
    for name in COLUMNS:
        op.add_column("auth_mount", sa.Column(name, sa.Integer()))


def downgrade() -> None:
    """Bring the tables back to the revision before."""
    # Not as a batch, which makes the table anew: on SQLite that fails while other rows refer to it.
    for name in COLUMNS:
        op.drop_column("auth_mount", name)
