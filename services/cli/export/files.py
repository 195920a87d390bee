"""Where rows go: one JSON object a line, or Parquet with a schema that says what each column is."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa
from pyarrow import parquet

from services.cli.client import Json
from services.cli.export.atif import trajectories
from services.cli.export.row import row_of

Format = Literal["jsonl", "parquet", "atif"]

_TOOL_CALL = pa.struct(
    {
        "id": pa.string(),
        "type": pa.string(),
        "function": pa.struct({"name": pa.string(), "arguments": pa.string()}),
    }
)
_MESSAGES = pa.list_(
    pa.struct(
        {
            "role": pa.string(),
            "content": pa.string(),
            "reasoning_content": pa.string(),
            "tool_calls": pa.list_(_TOOL_CALL),
            "tool_call_id": pa.string(),
        }
    )
)
_SPAN = pa.struct({"version": pa.int64(), "start": pa.int32(), "end": pa.int32()})
_CALL = pa.struct(
    {
        "call_id": pa.string(),
        "index": pa.int32(),
        "branch": pa.int32(),
        "parent": pa.string(),
        "prompt_ids": pa.list_(pa.int32()),
        "sampled_ids": pa.list_(pa.int32()),
        "rollout_logprobs": pa.list_(pa.float32()),
        "versions": pa.list_(_SPAN),
        "temperature": pa.float64(),
        "finish_reason": pa.string(),
        "engine": pa.string(),
        "prompt_tokens": pa.int32(),
        "sampled_tokens": pa.int32(),
        "cached_tokens": pa.int32(),
        "seconds": pa.float64(),
    }
)
_BRANCH = pa.struct({"branch": pa.int32(), "messages": _MESSAGES, "calls": pa.list_(pa.string())})
SCHEMA = pa.schema(
    {
        **{name: pa.string() for name in ("rollout_id", "group_id", "environment", "split")},
        "task_index": pa.int64(),
        "purpose": pa.string(),
        "attempt": pa.int32(),
        **{name: pa.string() for name in ("state", "cause", "error")},
        "reward": pa.float64(),
        "components": pa.map_(pa.string(), pa.float64()),
        "turns": pa.int32(),
        "seconds": pa.float64(),
        "oldest_version": pa.int64(),
        "newest_version": pa.int64(),
        "opened_at": pa.float64(),
        "ended_at": pa.float64(),
        "messages": _MESSAGES,
        "tools": pa.string(),  # JSON: parameters have a schema of their own
        "branches": pa.list_(_BRANCH),
        "calls": pa.list_(_CALL),
    }
)


class Writer(Protocol):
    """Takes rollouts as the API tells them."""

    def write(self, rollouts: Sequence[Json]) -> None: ...


@contextmanager
def written(path: Path, format: Format) -> Iterator[Writer]:
    """A file that is there, whole, once the block ends without an error."""
    part = path.with_name(f"{path.name}.part")
    with _Parquet(part) if format == "parquet" else _Lines(part, format) as writer:
        yield writer
    part.replace(path)


class _Lines:
    def __init__(self, path: Path, format: Format) -> None:
        self._path = path
        self._format = format

    def __enter__(self) -> "_Lines":
        self._file = self._path.open("w")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, rollouts: Sequence[Json]) -> None:
        for rollout in rollouts:
            row = row_of(rollout)
            for item in trajectories(rollout, row) if self._format == "atif" else [row]:
                self._file.write(json.dumps(item, ensure_ascii=False, allow_nan=False) + "\n")


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "_Parquet":
        self._writer = parquet.ParquetWriter(self._path, SCHEMA, compression="zstd")
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, rollouts: Sequence[Json]) -> None:
        rows = [_columns(row_of(rollout)) for rollout in rollouts]
        if rows:
            self._writer.write_table(pa.Table.from_pylist(rows, SCHEMA))


def _columns(row: Json) -> dict[str, Any]:
    components = row["components"]
    return {
        **row,
        "tools": json.dumps(row["tools"]),
        "components": None if components is None else list(components.items()),
    }
