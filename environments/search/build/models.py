"""The same roles played by models behind an OpenAI-compatible endpoint."""

import json
from dataclasses import dataclass

from environments.message import Message
from environments.search.build.draft import Draft
from environments.search.build.verification import NoVerdict, Verdict
from environments.search.endpoint import Chat
from environments.search.graph.triple import Triple
from environments.search.index.engine import Library, SearchEngine
from environments.search.judge.answer import answer_of
from environments.search.prompt import PROMPT
from environments.search.tools.toolbox import Extent, Toolbox

_RECALL = "Answer from memory, without tools. End with a line: Answer: <the answer>"
_SPENT = "Error: no calls are left; answer now."
_VERIFY = """\
You are given a question, a candidate answer and excerpts of pages. Work from the candidate back to what the
question names, and forward again, using the excerpts alone. Reply with one JSON object and nothing else:
{"supported": true or false, "reason": "one sentence"}. A candidate is supported only if every condition of
the question is stated for it."""


@dataclass(frozen=True)
class ModelGuesser:
    """A model that answers from memory."""

    chat: Chat

    async def guess(self, draft: Draft, attempt: int) -> str:
        messages: list[Message] = [
            {"role": "system", "content": _RECALL},
            {"role": "user", "content": draft.question},
        ]
        reply = await self.chat.reply(messages, temperature=1.0)
        return answer_of(str(reply.get("content") or ""))


@dataclass(frozen=True)
class ModelAgent:
    """A model with the tools of the environment; when its steps are used up it is asked for its answer."""

    chat: Chat
    engine: SearchEngine
    library: Library

    async def answer(self, draft: Draft, steps: int) -> str:
        tools = Toolbox(self.engine, self.library, None, Extent())
        messages: list[Message] = [
            {"role": "system", "content": PROMPT.system},
            {"role": "user", "content": draft.question},
        ]
        while True:
            reply = await self.chat.reply(messages, tools.schemas if steps > 0 else None)
            calls = reply.get("tool_calls") or []
            if steps <= 0 or not calls:
                return answer_of(str(reply.get("content") or ""))
            messages.append(reply)
            for call in calls:
                text = _SPENT
                if steps > 0:
                    text = await tools.call(call["function"]["name"], call["function"]["arguments"])
                steps -= 1
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": text})


@dataclass(frozen=True)
class ModelVerifier:
    """A model that checks a candidate against the sentences that a search for both of them finds."""

    chat: Chat
    engine: SearchEngine
    excerpts: int = 8

    async def verify(self, draft: Draft, candidate: str, evidence: tuple[Triple, ...]) -> Verdict:
        hits = await self.engine.search(f"{draft.question} {candidate}", self.excerpts)
        told = [f"{hit.title}: {hit.snippet}" for hit in hits]
        told += [f"{triple.subject}: {triple.sentence}" for triple in evidence]
        prompt = f"Question: {draft.question}\nCandidate: {candidate}\n\nExcerpts:\n" + "\n".join(told)
        messages: list[Message] = [
            {"role": "system", "content": _VERIFY},
            {"role": "user", "content": prompt},
        ]
        reply = await self.chat.reply(messages)
        return _verdict(str(reply.get("content") or ""))


def _verdict(reply: str) -> Verdict:
    try:
        verdict = json.loads(reply[reply.index("{") : reply.rindex("}") + 1])
        supported, reason = verdict["supported"], str(verdict.get("reason", ""))
    except (ValueError, RecursionError, KeyError, AttributeError) as error:
        raise NoVerdict(f"the verifying model gave no verdict: {reply[:200]!r}") from error
    if not isinstance(supported, bool):
        raise NoVerdict(f"the verifying model's verdict is {supported!r}, not true or false")
    return Verdict(supported, reason)
