"""Bounds of shares, what groups cost and how their rewards differ, and who changed what."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("field", sa.String(length=31), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])
    with op.batch_alter_table("environments") as table:
        table.add_column(sa.Column("min_share", sa.Float(), nullable=False, server_default="0"))
        table.add_column(sa.Column("max_share", sa.Float(), nullable=False, server_default="1"))
        table.add_column(sa.Column("deadline_s", sa.Float(), nullable=True))
    with op.batch_alter_table("groups") as table:
        table.add_column(sa.Column("cost", sa.Float(), nullable=False, server_default="1"))
        table.add_column(sa.Column("reward_std", sa.Float(), nullable=True))
        table.add_column(sa.Column("sampled_tokens", sa.Integer(), nullable=True))
    op.create_index("ix_groups_task", "groups", ["environment", "split", "task_index"])


def downgrade() -> None:
    op.drop_index("ix_groups_task", "groups")
    with op.batch_alter_table("groups") as table:
        for name in ("sampled_tokens", "reward_std", "cost"):
            table.drop_column(name)
    with op.batch_alter_table("environments") as table:
        for name in ("deadline_s", "max_share", "min_share"):
            table.drop_column(name)
    op.drop_index("ix_audit_subject", "audit")
    op.drop_table("audit")
