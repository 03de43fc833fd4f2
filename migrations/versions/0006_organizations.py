"""Organizations that the operator suspends, deletes and limits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    for name in ("suspended_at", "deletion_at"):
        op.add_column("organization", sa.Column(name, sa.BigInteger(), nullable=True))
    for name in ("people_max", "vaults_max", "items_max"):
        op.add_column("organization", sa.Column(name, sa.Integer(), nullable=True))


def downgrade() -> None:
    """Bring the tables back to the revision before; what was suspended is open again then."""
    # Not in a batch: that would make the table anew, and what hangs on the old one would go with it.
    for name in ("items_max", "vaults_max", "people_max", "deletion_at", "suspended_at"):
        op.drop_column("organization", name)
