"""Continuous batching: who runs, what is computed next, and what pausing and new weights do to it.

One step either prefills what has joined or decodes one token for everything that runs. Nothing here
knows of threads: one thread owns a scheduler and calls it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from services.inference.cpu.attention import Chunk, DecodeAttention, PrefillAttention
from services.inference.cpu.checkpoint import Weights
from services.inference.cpu.generation import Finish, FinishKind, Generation
from services.inference.cpu.kv_slots import KvSlots, empty_segment
from services.inference.cpu.prefix_cache import PrefixCache
from services.inference.cpu.qwen3 import Qwen3
from services.inference.cpu.sampling import Sampler


@dataclass(frozen=True)
class Limits:
    """`max_total_tokens` bounds what runs and what is cached together; `prefill_tokens` one prefill step."""

    max_running_requests: int
    max_total_tokens: int
    prefill_tokens: int = 4096


@dataclass
class Counters:
    """Totals since the start, in tokens and requests."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    generation_tokens: int = 0
    retractions: int = 0
    steps: int = 0


class Scheduler:
    """Owns the model, its KV slots and every generation; slot i belongs to `running[i]`."""

    def __init__(self, model: Qwen3, limits: Limits, weight_version: str, seed: int | None = None) -> None:
        self.model, self.limits, self.weight_version = model, limits, weight_version
        self.running: list[Generation] = []
        self.waiting: deque[Generation] = deque()
        self.counters = Counters()
        self.paused = False
        self._slots = KvSlots(model.config, limits.max_running_requests)
        self._cache = PrefixCache(empty_segment(model.config))
        self._sampler = Sampler(seed)

    @property
    def has_work(self) -> bool:
        return not self.paused and bool(self.running or self.waiting)

    @property
    def used_tokens(self) -> int:
        return sum(generation.computed for generation in self.running)

    @property
    def cached_tokens(self) -> int:
        return self._cache.tokens

    @property
    def _reserved(self) -> int:
        """Tokens that everything running may come to hold."""
        return sum(one.reserved for one in self.running)

    def add(self, generation: Generation) -> None:
        self.waiting.append(generation)

    def step(self) -> list[Generation]:
        """Compute once. Returns the generations that gained a token or ended."""
        self.counters.steps += 1
        self._admit()
        unfinished = [one for one in self.running if one.computed < len(one.ids) - 1]
        touched = self._prefill() if unfinished else self._decode()
        self._release(one for one in touched if one.finish is not None)
        self._cache.shrink(self.limits.max_total_tokens - self._reserved)
        return touched

    def abort(self, chosen: Callable[[Generation], bool]) -> list[Generation]:
        """End the chosen generations with what they have; returns them."""
        queued = [one for one in self.waiting if chosen(one)]
        running = [one for one in self.running if chosen(one)]
        self.waiting = deque(one for one in self.waiting if not chosen(one))
        for one in queued:
            one.finish = Finish(FinishKind.ABORT, queued=True)
        for one in running:
            one.finish = Finish(FinishKind.ABORT)
        self._release(running)
        return queued + running

    def pause(self, *, retract: bool) -> None:
        """Stop stepping. With `retract`, what runs gives up its keys and values and waits again."""
        self.paused = True
        if not retract:
            return
        for one in self.running:
            one.computed = 0
            one.retractions += 1
        self.counters.retractions += len(self.running)
        self.waiting.extendleft(reversed(self.running))
        self.running = []

    def resume(self) -> None:
        self.paused = False

    def replace_weights(self, weights: Weights, weight_version: str | None) -> None:
        """Swap weights between two steps; keys and values of the old ones stay until flushed."""
        self.model.weights = weights
        if weight_version is not None:
            self.weight_version = weight_version

    def flush_cache(self) -> bool:
        """Forget cached prefixes; refused while anything runs or, unless paused, waits."""
        if self.running or (self.waiting and not self.paused):
            return False
        self._cache.clear()
        return True

    def _admit(self) -> None:
        while self.waiting and len(self.running) < self.limits.max_running_requests:
            if self._reserved + self.waiting[0].reserved > self.limits.max_total_tokens:
                break
            if self._will_be_cached(self.waiting[0]):
                break
            self._start(self.waiting.popleft())

    def _will_be_cached(self, newcomer: Generation) -> bool:
        """Whether one that is about to be prefilled begins alike, so that waiting a step saves work."""
        known = self._cache.known(newcomer.extra_key, newcomer.ids)
        return newcomer.score_from is None and any(
            one.extra_key == newcomer.extra_key and _begins_alike(one.ids, newcomer.ids, known + 32)
            for one in self.running
            if one.computed < len(one.prompt)
        )

    def _start(self, one: Generation) -> None:
        """Give it the next slot, filled with the prefix that is known."""
        slot = len(self.running)
        self.running.append(one)
        self._slots.reserve(len(one.ids) + 1)
        reusable = len(one.ids) - 1 if one.score_from is None else min(one.score_from, len(one.ids) - 1)
        for segment in self._cache.match(one.extra_key, one.ids[:reusable]):
            self._slots.load(slot, one.computed, segment)
            one.computed += segment.shape[3]
        if not one.retractions:
            one.cached_tokens = one.computed
            self.counters.prompt_tokens += len(one.prompt)
            self.counters.cached_tokens += one.cached_tokens

    def _prefill(self) -> list[Generation]:
        """Compute prompts, at most `prefill_tokens` of them; sample for those that are complete."""
        chunks = self._cut()
        ids = torch.tensor([token for chunk in chunks for token in chunk.ids])
        positions = torch.cat([torch.arange(chunk.start, chunk.end) for chunk in chunks])
        hidden = self.model.hidden(ids, positions, PrefillAttention(self._slots, chunks))
        ready, last, row = [], [], 0
        for chunk in chunks:
            one = self.running[chunk.slot]
            one.computed = chunk.end
            self._score(one, chunk, hidden[row : row + len(chunk.ids)])
            row += len(chunk.ids)
            if one.computed == len(one.ids):
                self._remember(one)
                ready.append(one)
                last.append(row - 1)
        return self._sample(ready, hidden[last]) if ready else []

    def _cut(self) -> list[Chunk]:
        """What the next prefill step computes."""
        chunks, budget = [], self.limits.prefill_tokens
        for slot, one in enumerate(self.running):
            if one.computed < len(one.ids) - 1 and budget > 0:
                chunks.append(Chunk(slot, one.computed, one.ids[one.computed : one.computed + budget]))
                budget -= len(chunks[-1].ids)
        return chunks

    def _decode(self) -> list[Generation]:
        """One token for everything that runs."""
        if not self.running:
            return []
        self._slots.reserve(max(one.computed for one in self.running) + 1)
        ids = torch.tensor([one.ids[-1] for one in self.running])
        positions = torch.tensor([one.computed for one in self.running])
        hidden = self.model.hidden(ids, positions, DecodeAttention(self._slots, positions))
        for one in self.running:
            one.computed += 1
        return self._sample(self.running, hidden)

    def _sample(self, generations: list[Generation], hidden: Tensor) -> list[Generation]:
        ids, logprobs = self._sampler.sample(self.model.logits(hidden), [one.row for one in generations])
        for one, token, logprob in zip(generations, ids, logprobs, strict=True):
            one.append(token, logprob, self.weight_version)
        self.counters.generation_tokens += len(ids)
        return list(generations)

    def _score(self, one: Generation, chunk: Chunk, hidden: Tensor) -> None:
        """Log-probs of the prompt tokens that follow this chunk's positions."""
        if one.score_from is None:
            return
        first = max(chunk.start, one.score_from)
        targets = one.prompt[first + 1 : chunk.end + 1]
        if targets and len(one.prompt_logprobs) < len(one.prompt) - one.score_from - 1:
            rows = hidden[first - chunk.start :][: len(targets)]
            logprobs = torch.log_softmax(self.model.logits(rows), -1)
            one.prompt_logprobs += logprobs.gather(1, torch.tensor(targets)[:, None])[:, 0].tolist()

    def _remember(self, one: Generation) -> None:
        """Put what a slot holds into the prefix cache."""
        slot, ids = self.running.index(one), one.ids[: one.computed]
        known = self._cache.known(one.extra_key, ids)
        self._cache.insert(one.extra_key, ids, known, self._slots.copy_out(slot, known, len(ids)))

    def _release(self, ended: Iterable[Generation]) -> None:
        """Take ended generations out; the last slot moves into each gap."""
        for one in ended:
            self._remember(one)
            slot, last = self.running.index(one), len(self.running) - 1
            if slot != last:
                self._slots.move(last, slot, self.running[last].computed)
                self.running[slot] = self.running[last]
            self.running.pop()


def _begins_alike(one: list[int], other: list[int], length: int) -> bool:
    return min(len(one), len(other)) > length and one[:length] == other[:length]
