"""What people say of single groups."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("group_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("deadline_s", sa.Float()),
        sa.PrimaryKeyConstraint("group_id", name="pk_holds"),
    )


def downgrade() -> None:
    op.drop_table("holds")
