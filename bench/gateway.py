"""`python -m bench gateway`: turns/s and added latency of the gateway beside a bare pass-through proxy.

One engine stub, one load and one machine; direct, proxy and gateway are measured in turn, several times.
With an instant engine the ratio of turns/s tells what a turn costs; with an engine that takes its time
the added latency tells what an agent notices.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import uvloop
from prometheus_client.parser import text_string_to_metric_families

from bench.child import child
from bench.load import Measurement, drive
from bench.table import table
from bench.tiny_model import write_tiny_model
from bench.valkey import ValkeyProcess
from services.contracts.words import new_id
from services.kit.access import Claims, Scope, Signer
from services.rendering.tokenizer import ModelTokenizer

TURNS = 8
SYSTEM = "You are an agent in a Linux shell. Solve the task with the bash tool; say done when it is solved."
TASK = "In the folder logs, find the file with the most lines and write its name to answer.txt, nothing else."
OUTPUT = "".join(f"logs/part-{i}.txt: {137 * i} lines\n" for i in range(8)) + "[exit 0]"
THOUGHT = "The counts are there; the largest is last. I write its name down and look at the file again."
COMMAND = "wc -l logs/*.txt | sort -n | tail -n 2 > answer.txt && cat answer.txt"
CALL = json.dumps({"name": "bash", "arguments": {"command": COMMAND}})
REPLY = f"<think>\n{THOUGHT}\n</think>\n\n<tool_call>\n{CALL}\n</tool_call>"
TOOL = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command in a persistent shell.",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        },
    },
}


@dataclass(frozen=True)
class Level:
    """So many rollouts at once against an engine that thinks for so long, and how it is measured."""

    rollouts: int
    think_s: float
    rounds: int
    ramp_s: float
    measure_s: float

    def __str__(self) -> str:
        return f"{self.rollouts:,} rollouts, engine {self.think_s:g} s"


LEVELS = (
    Level(1, 0.0, rounds=3, ramp_s=0.0, measure_s=1.0),
    Level(64, 0.0, rounds=3, ramp_s=0.2, measure_s=1.5),
    Level(1000, 0.0, rounds=2, ramp_s=1.0, measure_s=2.5),
    Level(1000, 3.0, rounds=1, ramp_s=3.0, measure_s=4.0),
)
PHASES = ("auth", "render", "engine", "parse", "record", "reply")


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench gateway", description=__doc__)
    parser.parse_args(argv)
    print(f"{os.cpu_count()} cores shared by load, stub and target; load average {os.getloadavg()[0]:.2f}")
    print(f"conversations of {TURNS} turns, request bodies of {sizes()} bytes\n", flush=True)
    with TemporaryDirectory() as folder, machines(Path(folder)) as machine:
        results = uvloop.run(measured(machine))
    report(results)


@dataclass(frozen=True)
class Machine:
    """Addresses of what is measured, by think time of the engine behind it."""

    targets: dict[float, dict[str, str]]
    signer: Signer

    def key(self) -> str:
        return self.signer.mint(Claims(Scope.ROLLOUT, new_id(), 1), 600)


@contextmanager
def machines(folder: Path) -> Iterator[Machine]:
    """Valkey, and for each think time a stub, a proxy and a gateway, all processes of their own."""
    model = write_tiny_model(folder / "model", [SYSTEM, TASK, OUTPUT, REPLY, json.dumps(TOOL)])
    reply, secret = folder / "reply.json", folder / "secret"
    reply.write_bytes(engine_reply(ModelTokenizer(model)))
    secret.write_text(new_id())
    with ExitStack() as stack:
        valkey = stack.enter_context(ValkeyProcess(folder))
        targets = {}
        for think_s in sorted({level.think_s for level in LEVELS}):
            ready = [folder / f"{name}-{think_s}" for name in ("engine", "proxy", "gateway")]
            arguments = ["--reply", str(reply), "--think-s", str(think_s), "--ready-file", str(ready[0])]
            engine = stack.enter_context(child("bench.engine_stub", ready[0], arguments))
            arguments = ["--engine", engine, "--ready-file", str(ready[1])]
            proxy = stack.enter_context(child("bench.passthrough", ready[1], arguments))
            settings = gateway_settings(engine, valkey.url, model, secret, ready[2])
            gateway = stack.enter_context(child("services.gateway", ready[2], settings=settings))
            targets[think_s] = {
                "direct": f"{engine}/generate",
                "proxy": f"{proxy}/v1/chat/completions",
                "gateway": f"{gateway}/v1/chat/completions",
            }
        yield Machine(targets, Signer.from_file(secret))


def gateway_settings(engine: str, redis_url: str, model: Path, secret: Path, ready: Path) -> dict[str, str]:
    values = {
        "PORT": "0",
        "READY_FILE": str(ready),
        "REDIS_URL": redis_url,
        "SECRET_FILE": str(secret),
        "MODEL_PATH": str(model),
        "ENGINES": json.dumps([engine]),
        "LOG_LEVEL": "WARNING",
    }
    return {f"PODIUM_GATEWAY_{name}": value for name, value in values.items()}


def engine_reply(tokenizer: ModelTokenizer) -> bytes:
    """What SGLang would send for REPLY."""
    ids = [*tokenizer.encode(REPLY), tokenizer.convert_tokens_to_ids("<|im_end|>")]
    meta = {
        "id": new_id(),
        "finish_reason": {"type": "stop", "matched": ids[-1]},
        "prompt_tokens": 500,
        "completion_tokens": len(ids),
        "cached_tokens": 400,
        "weight_version": "3",
        "weight_versions": [{"version": "3", "start": 0, "end": len(ids)}],
        "output_token_logprobs": [[-0.1234567, token, None] for token in ids],
    }
    return json.dumps({"text": REPLY, "output_ids": ids, "meta_info": meta}).encode()


def conversation() -> list[bytes]:
    """The request bodies of one rollout; agents strip the thought and send the tool call back."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": TASK},
    ]
    call = {"id": "call_1", "type": "function", "function": {"name": "bash", "arguments": "…"}}
    call["function"] = {"name": "bash", "arguments": json.dumps({"command": COMMAND})}
    answered = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": OUTPUT},
    ]
    bodies = []
    for turn in range(TURNS):
        said = [*messages, *answered * turn]
        bodies.append(json.dumps({"model": "policy", "messages": said, "tools": [TOOL]}).encode())
    return bodies


def sizes() -> str:
    lengths = [len(body) for body in conversation()]
    return f"{lengths[0]:,} to {lengths[-1]:,}"


@dataclass
class Result:
    """One level: what each target did, and the gateway's mean seconds of each phase."""

    level: Level
    targets: dict[str, Measurement]
    phases: dict[str, float]

    @property
    def ratio(self) -> float:
        return self.targets["gateway"].turns_per_s / self.targets["proxy"].turns_per_s

    def added_ms(self, q: float) -> float:
        """The gateway's latency above the stub's own."""
        return self.targets["gateway"].quantile_ms(q) - self.targets["direct"].quantile_ms(q)


async def measured(machine: Machine) -> list[Result]:
    bodies = conversation()
    results = []
    for level in LEVELS:
        targets = machine.targets[level.think_s]
        before = await phase_sums(targets["gateway"])
        totals = {name: Measurement() for name in targets}
        for _ in range(level.rounds):
            for name, url in targets.items():
                spell = await drive(url, machine.key, bodies, level.rollouts, level.ramp_s, level.measure_s)
                totals[name].add(spell)
        results.append(Result(level, totals, since(before, await phase_sums(targets["gateway"]))))
    return results


async def phase_sums(url: str) -> dict[str, tuple[float, float]]:
    """Seconds and count of each phase so far, from the gateway's own metrics."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(url.replace("/v1/chat/completions", "/metrics"))).text
    found: dict[str, dict[str, float]] = {phase: {} for phase in PHASES}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in ("podium_gateway_phase_seconds_sum", "podium_gateway_phase_seconds_count"):
                found[sample.labels["phase"]][sample.name.rsplit("_", 1)[1]] = sample.value
    return {phase: (values["sum"], values["count"]) for phase, values in found.items()}


def since(before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Mean seconds of each phase between two readings."""
    return {
        phase: (after[phase][0] - before[phase][0]) / max(1.0, after[phase][1] - before[phase][1])
        for phase in PHASES
    }


def report(results: Sequence[Result]) -> None:
    rows = []
    for result in results:
        for name, target in result.targets.items():
            ratio = f"{target.turns_per_s / result.targets['proxy'].turns_per_s:.2f}"
            latency = [f"{target.quantile_ms(q):,.1f}" for q in (0.5, 0.99)]
            rows.append([f"{result.level}: {name}", f"{target.turns_per_s:,.0f}", *latency, ratio])
    print(table(["", "turns/s", "p50 ms", "p99 ms", "of proxy"], rows), "\n")
    phases = [[str(r.level), *(f"{r.phases[phase] * 1e3:.2f}" for phase in PHASES)] for r in results]
    print(table(["mean ms of a turn in the gateway", *PHASES], phases), "\n")
    _, at_64, at_1000, paced = results
    figures = {
        "ratio_64": at_64.ratio,
        "ratio_1000": at_1000.ratio,
        "added_p50_ms_64": at_64.added_ms(0.5),
        "added_p99_ms_1000": paced.added_ms(0.99),
        "added_p99_ms_1000_saturated": at_1000.added_ms(0.99),
        "turns_per_s_64": at_64.targets["gateway"].turns_per_s,
        "turns_per_s_1000": at_1000.targets["gateway"].turns_per_s,
    }
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
