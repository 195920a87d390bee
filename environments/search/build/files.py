"""A corpus folder in, a folder of JSON lines out: both splits, what was dropped, the graph.

Each line is written as soon as it is known: what a model has said is paid for, and outlives its failure.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from pydantic import TypeAdapter

from environments.search.build.builder import Kept, Plan, build_questions
from environments.search.build.filters import Dropped
from environments.search.build.sources import Trial, panel
from environments.search.corpus.folder import read_folder
from environments.search.graph.extraction import Extractor
from environments.search.graph.graph import Graph
from environments.search.graph.triple import Triple
from environments.search.index.local import LocalIndex

_TRIPLE = TypeAdapter(Triple)


async def build_folder(corpus: Path, out: Path, plan: Plan, trial: Trial) -> dict[str, int]:
    """Writes train, evaluation, dropped and graph `.jsonl` below `out`; says how many of each sort."""
    index = LocalIndex(read_folder(corpus))
    async with trial.chat() as chat:
        extractor = trial.extractor(index, chat)
        graph = await _graph(out / "graph.jsonl", index, extractor)
        found = build_questions(graph, extractor.relation, panel(index, extractor, graph, chat), plan)
        counts = await _questions(out, found)
    (out / "counts.json").write_text(json.dumps(counts) + "\n")
    return {"pages": len(index.pages), "triples": len(graph.triples), **counts}


async def _graph(file: Path, index: LocalIndex, extractor: Extractor) -> Graph:
    triples: list[Triple] = []
    with _lines(file) as lines:
        for page in index.pages:
            read = await extractor.extract(page)
            lines.writelines(_TRIPLE.dump_json(triple).decode() + "\n" for triple in read)
            triples += read
    return Graph(triples)


async def _questions(out: Path, found: AsyncIterator[Kept | Dropped]) -> dict[str, int]:
    """Questions kept by split and dropped by filter."""
    kept, dropped = {"train": 0, "evaluation": 0}, Counter[str]()
    with ExitStack() as stack:
        files = {name: stack.enter_context(_lines(out / f"{name}.jsonl")) for name in (*kept, "dropped")}
        async for one in found:
            if isinstance(one, Kept):
                files[one.split].write(one.question.model_dump_json() + "\n")
                kept[one.split] += 1
            else:
                files["dropped"].write(one.model_dump_json() + "\n")
                dropped[one.reason.filter] += 1
    return {**kept, **dict(sorted(dropped.items()))}


def _lines(file: Path) -> TextIO:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("w", buffering=1)
