"""Demonstrations are tokenized exactly as a live conversation is built, turn after turn."""

import json
from pathlib import Path
from typing import Any

import pytest
from renderers import create_renderer

from environments.demonstrations.__main__ import write_episodes
from learner.warm_start.demonstrations import RENDERING, Demonstration, Tokens, read_demonstrations, tokenize
from learner.warm_start.phrases import fixed_phrases
from services.rendering.tokenizer import ModelTokenizer

POLICY = Path(__file__).parents[3] / "learner/policy"


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> list[Demonstration]:
    scratch = tmp_path_factory.mktemp("episodes")
    write_episodes(scratch / "episodes.jsonl", {"terminal": 32}, seed=4, scratch=scratch)
    return read_demonstrations(scratch / "episodes.jsonl")


def live(demonstration: Demonstration) -> Tokens:
    """The same conversation as a gateway builds it: prompt, sampled ids, bridge, sampled ids, …"""
    tokenizer = ModelTokenizer(POLICY)
    renderer = create_renderer(tokenizer, RENDERING)
    system, user, *rest = demonstration.messages
    ids: list[int] = renderer.render_ids(
        [system, user], tools=demonstration.tools, add_generation_prompt=True
    )
    sampled = [False] * len(ids)
    for message in rest:
        if message["role"] == "assistant":
            said = spoken(message, tokenizer)
            prompt, ids = ids, ids + said
            sampled += [True] * len(said)
        else:
            ids = renderer.bridge_to_next_turn(prompt, said, [message], tools=demonstration.tools).token_ids
            sampled += [False] * (len(ids) - len(sampled))
    return Tokens(ids, sampled)


def spoken(message: dict[str, Any], tokenizer: ModelTokenizer) -> list[int]:
    ids = tokenizer.encode(message["content"])
    for call in message.get("tool_calls", ()):
        function = call["function"]
        body = f'\n{{"name": "{function["name"]}", "arguments": {function["arguments"]}}}\n'
        opening, closing = tokenizer.convert_tokens_to_ids(["<tool_call>", "</tool_call>"])
        ids += [opening, *tokenizer.encode(body), closing]
    return [*ids, tokenizer.convert_tokens_to_ids("<|im_end|>")]


def test_rendering_gives_what_bridging_gives(demonstrations: list[Demonstration]) -> None:
    rendered = list(tokenize(demonstrations, POLICY))
    assert rendered == list(map(live, demonstrations))


def test_parsed_calls_are_the_demonstrated_ones(demonstrations: list[Demonstration]) -> None:
    renderer = create_renderer(ModelTokenizer(POLICY), RENDERING)
    for demonstration, tokens in zip(demonstrations, tokenize(demonstrations, POLICY), strict=True):
        start = tokens.sampled.index(True)
        parsed = renderer.parse_response(tokens.ids[start : tokens.sampled.index(False, start)])
        asked = demonstration.messages[2]["tool_calls"][0]["function"]
        (call,) = parsed.tool_calls
        assert (call.name, call.arguments) == (asked["name"], json.loads(asked["arguments"]))


def test_prompts_and_actions_are_short(demonstrations: list[Demonstration]) -> None:
    for tokens in tokenize(demonstrations, POLICY):
        assert tokens.sampled.index(True) <= 70
        assert sum(tokens.sampled) <= 40
        assert len(tokens.ids) <= 140


def test_fixed_phrases_are_one_token_in_the_shipped_tokenizer(demonstrations: list[Demonstration]) -> None:
    tokenizer = ModelTokenizer(POLICY)
    for phrase in fixed_phrases(demonstrations[0]):
        assert len(tokenizer.encode(phrase)) == 1, phrase
