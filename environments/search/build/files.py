"""A corpus folder in, a folder of JSON lines out: both splits, what was dropped, the graph."""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter

from environments.search.build.builder import Built, Plan, build_questions
from environments.search.build.sources import Trial, panel
from environments.search.corpus.folder import read_folder
from environments.search.graph.graph import Graph
from environments.search.graph.triple import Triple
from environments.search.index.local import LocalIndex
from environments.search.question import write_questions

_TRIPLE = TypeAdapter(Triple)


async def build_folder(corpus: Path, out: Path, plan: Plan, trial: Trial) -> dict[str, int]:
    """Writes train, evaluation, dropped and graph `.jsonl` below `out`; says how many of each sort."""
    index = LocalIndex(read_folder(corpus))
    async with trial.chat() as chat:
        extractor = trial.extractor(index, chat)
        graph = Graph([triple for page in index.pages for triple in await extractor.extract(page)])
        built = await build_questions(graph, extractor.relation, panel(index, extractor, graph, chat), plan)
    _write(out, graph.triples, built)
    return {"pages": len(index.pages), "triples": len(graph.triples), **built.counts()}


def _write(out: Path, triples: Iterable[Triple], built: Built) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for split, questions in built.kept.items():
        write_questions(out / f"{split}.jsonl", questions)
    dropped = "".join(one.model_dump_json() + "\n" for one in built.dropped)
    (out / "dropped.jsonl").write_text(dropped)
    (out / "graph.jsonl").write_text("".join(_TRIPLE.dump_json(one).decode() + "\n" for one in triples))
    (out / "counts.json").write_text(json.dumps(built.counts()) + "\n")
