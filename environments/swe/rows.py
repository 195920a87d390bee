"""Rows of tasks in files: JSON lines and Parquet in, JSON lines out."""

import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet
from pydantic import ValidationError

from environments.swe.instance import Instance
from services.kit.failure import Refused

_CLOSE = 0.85


def read_instances(path: Path) -> Iterator[Instance]:
    """The rows of a `.jsonl` or `.parquet` file. Errors: Refused, with file, row and field."""
    rows = _parquet(path) if path.suffix == ".parquet" else _json_lines(path)
    for number, row in rows:
        yield _instance(path, number, row)


def write_instances(path: Path, instances: Iterable[Instance]) -> None:
    lines = (instance.model_dump_json(exclude_defaults=True) for instance in instances)
    path.write_text("".join(f"{line}\n" for line in lines))


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        with path.open() as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, json.loads(line)
    except json.JSONDecodeError as error:
        raise Refused(f"{path}, row {number}: not JSON: {error}", field="row", value=number) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}", field="tasks_dir", value=path) from None


def _parquet(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise Refused(f"{path} cannot be read: {error}", field="tasks_dir", value=path) from None
    yield from enumerate(table.to_pylist(), 1)


def _instance(path: Path, number: int, row: Any) -> Instance:
    if not isinstance(row, dict):
        raise Refused(f"{path}, row {number}: not an object", field="row", value=number)
    for name in row:
        near = get_close_matches(name, Instance.model_fields, n=1, cutoff=_CLOSE)
        if near and name not in Instance.model_fields:
            raise Refused(f"{path}, row {number}: {name} is not known; is it {near[0]}?", field=name)
    try:
        return Instance.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "row"
        raise Refused(f"{path}, row {number}: {field}: {first['msg']}", field=field) from None
    except ValueError as error:
        raise Refused(f"{path}, row {number}: {error}", field="row", value=number) from None
