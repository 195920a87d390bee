"""Tables of the record. Plain SQL types, so that SQLite and PostgreSQL both do."""

from typing import Any, TypeAlias

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"}
)

Record: TypeAlias = Row[*tuple[Any, ...]]  # a row, whatever was selected

Serial = BigInteger().with_variant(Integer, "sqlite")
Id = String(32)
Name = String(63)
State = String(16)

environments = Table(
    "environments",
    metadata,
    Column("name", Name, primary_key=True),
    Column("url", Text, nullable=False),
    Column("dispatch_token", Text, nullable=False),
    Column("share", Float, nullable=False),
    Column("max_in_flight", Integer),
    Column("state", State, nullable=False),
    Column("manifest", JSON, nullable=False),
    Column("credit", Float, nullable=False),
    Column("registered_at", Float, nullable=False),
    Column("min_share", Float, nullable=False, server_default="0"),
    Column("max_share", Float, nullable=False, server_default="1"),
    Column("deadline_s", Float),
)

cursors = Table(
    "cursors",
    metadata,
    Column("environment", Name, primary_key=True),
    Column("split", String(31), primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("position", Integer, nullable=False),
)

groups = Table(
    "groups",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("group_id", Id, nullable=False, unique=True),
    Column("environment", Name, nullable=False),
    Column("split", String(31), nullable=False),
    Column("task_index", Integer, nullable=False),
    Column("purpose", State, nullable=False),
    Column("evaluation_id", Id),
    Column("size", Integer, nullable=False),
    Column("state", State, nullable=False),
    Column("reason", State),
    Column("opened_at", Float, nullable=False),
    Column("sealed_at", Float),
    Column("ended_at", Float),
    Column("mean_reward", Float),
    Column("oldest_version", Integer),
    Column("step", Integer),
    Column("staleness", Integer),
    Column("payload", LargeBinary),
    Column("cost", Float, nullable=False, server_default="1"),
    Column("reward_std", Float),
    Column("sampled_tokens", Integer),
    Index("ix_groups_task", "environment", "split", "task_index"),
    Index("ix_groups_state", "state"),
    Index("ix_groups_evaluation", "evaluation_id"),
    Index("ix_groups_environment", "environment", "purpose", "state"),
)

rollouts = Table(
    "rollouts",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("rollout_id", Id, nullable=False, unique=True),
    Column("group_id", Id, nullable=False),
    Column("environment", Name, nullable=False),
    Column("purpose", State, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", State, nullable=False),
    Column("cause", State),
    Column("error", Text),
    Column("reward", Float),
    Column("components", JSON),
    Column("turns", Integer),
    Column("seconds", Float),
    Column("opened_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("oldest_version", Integer),
    Column("newest_version", Integer),
    Column("sampled_tokens", Integer),
    Column("records", Integer),
    Column("digest", String(32)),
    Column("repeats", Integer),
    Index("ix_rollouts_group", "group_id"),
    Index("ix_rollouts_state", "state"),
    Index("ix_rollouts_environment", "environment", "state", "cause"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("rollout_id", Id, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("environment", Name, nullable=False),
    Column("reported_cause", State),
    Column("cause", State, nullable=False),
    Column("retried", Boolean, nullable=False),
    Column("reward", Float),
    Column("components", JSON),
    Column("error", Text),
    Column("details", JSON),
    Column("labels", JSON),
    Column("artifacts", JSON),
    Column("turns", Integer),
    Column("seconds", Float),
    Column("ended_at", Float, nullable=False),
)

transcripts = Table(
    "transcripts",
    metadata,
    Column("rollout_id", Id, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("messages", JSON, nullable=False),
    Column("calls", JSON, nullable=False),
    Column("tools", JSON, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("group_id", Id, nullable=False, unique=True),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("evaluation_id", Id, primary_key=True),
    Column("environment", Name, nullable=False),
    Column("split", String(31), nullable=False),
    Column("rollouts", Integer, nullable=False),
    Column("sampling", JSON, nullable=False),
    Column("started_at", Float, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("weight_version", Integer, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("tito_turns", Integer, nullable=False),
    Column("tito_breaks", Integer, nullable=False),
    Column("finished_at", Float, nullable=False),
)

weights = Table(
    "weights",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("path", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("created_at", Float, nullable=False),
)

engines = Table(
    "engines",
    metadata,
    Column("url", String(512), primary_key=True),
    Column("added_at", Float, nullable=False),
)

switches = Table(
    "switches",
    metadata,
    Column("name", State, primary_key=True),
    Column("value", State, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    Column("group_id", Id, primary_key=True),
    Column("state", State, nullable=False),
    Column("deadline_s", Float),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("subject", String(600), nullable=False),
    Column("field", String(31), nullable=False),
    Column("before", Text, nullable=False),  # JSON: as such, SQLite would not keep a number
    Column("after", Text, nullable=False),
    Column("changed_by", State, nullable=False),
    Column("holder", Name),
    Column("token_id", Id),
    Index("ix_audit_subject", "subject"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", Id, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("scope", State, nullable=False),
    Column("environment", Name),
    Column("holder", Name),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("withdrawn_at", Float),
    Column("replaces", Id),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Id, primary_key=True),
    Column("name", Name, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("resumed_at", Float, nullable=False),
    Column("starts", Integer, nullable=False),
    Column("settings", JSON, nullable=False),
)
