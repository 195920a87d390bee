"""Which family a folder of tasks belongs to, and its trials: the one place that knows them all."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from environments.sandboxes import KINDS
from environments.search.settings import SearchSettings
from environments.search.tasks import write_tasks as write_search_tasks
from environments.search.validation import search_trials
from environments.slides.settings import SlidesSettings
from environments.slides.tasks import write_tasks as write_slides_tasks
from environments.slides.validation import slides_trials
from environments.swe.settings import SweSettings
from environments.swe.validation import swe_trials
from environments.swe.wiring import write_shipped as write_swe_tasks
from environments.terminal.generated import write_tasks as write_terminal_tasks
from environments.terminal.validation import terminal_trials
from environments.validation.trials import Trials
from services.kit.failure import Refused
from services.kit.settings import load_settings

Opened = AbstractAsyncContextManager[Trials]

_SHIPPED: dict[str, Callable[[Path], None]] = {
    "terminal": lambda folder: write_terminal_tasks(folder, 1024, 256, 0),
    "swe": lambda folder: write_swe_tasks(folder, load_settings(SweSettings)),
    "search": lambda folder: write_search_tasks(folder, 512, 128, 0),
    "slides": lambda folder: write_slides_tasks(folder, 192, 64, 0),
}
BOXED = frozenset({"terminal", "swe"})  # whose agents act in sandboxes
_KNOWN_BY = {"instance_id": "swe", "question": "search", "pages": "slides"}


def folder_of(target: str, scratch: Path) -> tuple[str, Path]:
    """Family and folder of a family's name, whose tasks are written into `scratch`, or of a folder.

    Errors: Refused, if it is neither.
    """
    if target in _SHIPPED:
        _SHIPPED[target](scratch / target)
        return target, scratch / target
    folder = Path(target)
    if not folder.is_dir():
        names = ", ".join(_SHIPPED)
        raise Refused(f"{target} is neither a folder nor a family ({names})", field="target", value=target)
    return _family_of(folder), folder


@asynccontextmanager
async def opened(family: str, folder: Path, kind: str, first: int | None) -> AsyncIterator[Trials]:
    """The family's trials over a folder, or over the `first` tasks of each split of it."""
    if family in BOXED:
        sandboxes = KINDS[kind]()
        await sandboxes.verify()
        open_trials = terminal_trials if family == "terminal" else swe_trials
        async with sandboxes.running(), open_trials(folder, sandboxes, first) as trials:
            yield trials
        return
    async with _without_sandboxes(family, folder, first) as trials:
        yield trials


def _without_sandboxes(family: str, folder: Path, first: int | None) -> Opened:
    if family == "search":
        return search_trials(folder, load_settings(SearchSettings), first)
    return slides_trials(folder, load_settings(SlidesSettings), first)


def _family_of(folder: Path) -> str:
    """By a line of its first split; a folder without such files has Harbor directories, or is refused."""
    if any(folder.glob("*.parquet")):
        return "swe"
    for path in sorted(folder.glob("*.jsonl")):
        with path.open() as lines:
            row = _row(path, lines.readline())
        for field, family in _KNOWN_BY.items():
            if field in row:
                return family
        raise Refused(f"{path} has rows of no known family", field="target", value=sorted(row))
    return "terminal"


def _row(path: Path, line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise Refused(f"{path}:1 is not JSON: {error}", field="target", value=line[:100]) from None
    return row if isinstance(row, dict) else {}
