"""Keys and values of finished work, kept as a tree of token prefixes, for prompts that begin alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class _Node:
    """A run of tokens and their keys and values (layers, 2, kv_heads, tokens, head_dim)."""

    ids: list[int]
    kv: Tensor
    parent: "_Node | None"
    children: "dict[int, _Node]" = field(default_factory=dict)
    used_at: int = 0


class PrefixCache:
    """Longest-prefix lookup within one `extra_key`; bounded in tokens, least recently used first out.

    Entries are made by whatever weights were current: whoever changes weights and wants exact
    prefixes clears the cache, or uses another key.
    """

    def __init__(self, empty: Tensor) -> None:
        self._empty = empty
        self._roots: dict[str | None, _Node] = {}
        self._clock = 0
        self.tokens = 0

    def match(self, key: str | None, ids: Sequence[int]) -> list[Tensor]:
        """Segments that cover the longest known prefix of `ids`, in order."""
        node, segments = self._roots.get(key), []
        position = 0
        self._clock += 1
        while node is not None and (node := node.children.get(_at(ids, position))) is not None:
            shared = _shared(node.ids, ids, position)
            node.used_at = self._clock
            segments.append(node.kv[:, :, :, :shared])
            position += shared
            if shared < len(node.ids):
                break
        return segments

    def known(self, key: str | None, ids: Sequence[int]) -> int:
        """How many first tokens of `ids` are held."""
        return sum(segment.shape[3] for segment in self.match(key, ids))

    def insert(self, key: str | None, ids: Sequence[int], known: int, rest: Tensor) -> None:
        """Hold `ids`, of which the first `known` are held already; `rest` is the others' segment."""
        if known == len(ids):
            return
        node = self._roots.setdefault(key, _Node([], self._empty, None))
        position = 0
        self._clock += 1
        while position < known:
            node = node.children[ids[position]]
            shared = min(len(node.ids), known - position)
            if shared < len(node.ids):
                node = self._split(node, shared)
            position += shared
        node.children[ids[known]] = _Node(list(ids[known:]), rest, node, used_at=self._clock)
        self.tokens += len(ids) - known

    def shrink(self, limit: int) -> None:
        """Forget least recently used leaves until at most `limit` tokens are held."""
        while self.tokens > max(limit, 0):
            for leaf in sorted(self._leaves(), key=lambda node: node.used_at):
                if self.tokens <= max(limit, 0):
                    break
                assert leaf.parent is not None
                del leaf.parent.children[leaf.ids[0]]
                self.tokens -= len(leaf.ids)
        if not self.tokens:
            self._roots.clear()

    def clear(self) -> None:
        self.shrink(0)

    def _split(self, node: _Node, at: int) -> _Node:
        """Cut a node in two; returns the first part, which takes the node's place."""
        assert node.parent is not None
        first = _Node(node.ids[:at], node.kv[:, :, :, :at].clone(), node.parent, used_at=node.used_at)
        node.parent.children[first.ids[0]] = first
        node.ids, node.kv, node.parent = node.ids[at:], node.kv[:, :, :, at:].clone(), first
        first.children[node.ids[0]] = node
        return first

    def _leaves(self) -> Iterator[_Node]:
        pending = list(self._roots.values())
        while pending:
            node = pending.pop()
            pending.extend(node.children.values())
            if not node.children and node.parent is not None:
                yield node


def _at(ids: Sequence[int], position: int) -> int:
    return ids[position] if position < len(ids) else -1


def _shared(known: Sequence[int], ids: Sequence[int], position: int) -> int:
    """How many tokens of `known` stand in `ids` from `position` on."""
    length = min(len(known), len(ids) - position)
    if known[:length] == ids[position : position + length]:
        return length
    return next(index for index in range(length) if known[index] != ids[position + index])
