"""How a corpus is read and who tries its questions: scripts, or a model behind an endpoint."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from environments.search.build.answerers import HastyAgent, PriorGuesser
from environments.search.build.filters import Panel
from environments.search.build.models import ModelAgent, ModelGuesser, ModelVerifier
from environments.search.build.verification import BackwardVerifier
from environments.search.corpus.encyclopedia.relations import RELATIONS
from environments.search.endpoint import Chat, ChatEndpoint
from environments.search.graph.extraction import Extractor, LinkSentences, SentencePatterns
from environments.search.graph.graph import Graph
from environments.search.graph.model import ModelExtractor
from environments.search.index.local import LocalIndex
from services.kit.failure import Refused
from services.kit.http import http_client


class Reading(StrEnum):
    """How statements are found: by known sentences, by linked sentences of any corpus, by a model."""

    SENTENCES = "sentences"
    LINKS = "links"
    MODEL = "model"


@dataclass(frozen=True)
class Trial:
    """What `podium search build` is told about reading and trying; no URL means no model."""

    reading: Reading = Reading.SENTENCES
    model_url: str = ""
    model: str = ""
    model_key: str = ""

    @asynccontextmanager
    async def chat(self) -> AsyncIterator[Chat | None]:
        """The model while it is needed, or None."""
        if not self.model_url:
            yield None
            return
        async with http_client() as client:
            yield ChatEndpoint(client, self.model_url, self.model, self.model_key)

    def extractor(self, index: LocalIndex, chat: Chat | None) -> Extractor:
        """Errors: Refused if a model is to read and none is given."""
        match self.reading:
            case Reading.SENTENCES:
                return SentencePatterns(RELATIONS)
            case Reading.LINKS:
                return LinkSentences(index.pages)
            case Reading.MODEL:
                if chat is None:
                    raise Refused(
                        "reading by a model needs one", field="model_url", remedy="give --model-url"
                    )
                return ModelExtractor(chat)


def panel(index: LocalIndex, extractor: Extractor, graph: Graph, chat: Chat | None) -> Panel:
    """Scripts without a model; with one, the model guesses, searches and verifies."""
    if chat is None:
        agent = HastyAgent(index, graph)
        return Panel(PriorGuesser(graph), agent, BackwardVerifier(graph), index, extractor, graph)
    guesser, agent_, verifier = ModelGuesser(chat), ModelAgent(chat, index, index), ModelVerifier(chat, index)
    return Panel(guesser, agent_, verifier, index, extractor, graph)
