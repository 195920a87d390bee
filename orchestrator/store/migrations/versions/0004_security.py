"""Standing tokens by their digest, who holds the token of a change, and the run of a store."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("environment", sa.String(length=63), nullable=True),
        sa.Column("holder", sa.String(length=63), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("withdrawn_at", sa.Float(), nullable=True),
        sa.Column("replaces", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_tokens")),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("resumed_at", sa.Float(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
    )
    with op.batch_alter_table("audit") as table:
        table.add_column(sa.Column("holder", sa.String(length=63), nullable=True))
        table.add_column(sa.Column("token_id", sa.String(length=32), nullable=True))
        table.alter_column("subject", type_=sa.String(length=600), existing_type=sa.String(length=80))


def downgrade() -> None:
    with op.batch_alter_table("audit") as table:
        table.drop_column("token_id")
        table.drop_column("holder")
        table.alter_column("subject", type_=sa.String(length=80), existing_type=sa.String(length=600))
    op.drop_table("runs")
    op.drop_table("tokens")
