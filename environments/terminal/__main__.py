"""`python -m environments.terminal DIR --agent oracle`: one rollout of one Harbor directory, as JSON."""

import argparse
import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from environments.boundary import outcome_of
from environments.context import KeepAll
from environments.family import Play, Progress
from environments.metrics import EnvironmentMetrics
from environments.sandboxes import KINDS
from environments.terminal.agents import Agent, BashAgent, Noop, Oracle
from environments.terminal.attempts import Attempts
from environments.terminal.rules import Rules
from environments.terminal.settings import TerminalSettings
from environments.terminal.tasks import TerminalTask
from services.contracts.cause import Cause
from services.contracts.environment import LiveRollout, ModelAccess, Sampling, TaskRef
from services.contracts.outcome import Outcome
from services.contracts.words import new_id
from services.kit.failure import Failure, Refused
from services.kit.http import http_client
from services.kit.log import configure_log
from services.kit.settings import load_settings


def main() -> None:
    configure_log("environment")  # standard output is for the result
    arguments = _arguments()
    outcome = asyncio.run(_rollout(arguments))
    told = outcome.model_dump(mode="json", exclude={"rollout_id", "attempt"})
    sys.stdout.write(json.dumps({"agent": arguments.agent, **told}) + "\n")
    sys.exit(0 if outcome.cause.reward_valid else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m environments.terminal")
    parser.add_argument("folder", type=Path, help="a Harbor directory")
    parser.add_argument("--agent", choices=("oracle", "noop", "policy"), default="policy")
    parser.add_argument("--sandboxes", choices=sorted(KINDS), default="bubblewrap")
    parser.add_argument("--deadline-s", type=float, default=3600.0)
    parser.add_argument("--gateway-url", help="of the policy: where /v1/chat/completions is")
    parser.add_argument("--api-key-file", type=Path, help="of the policy: a capability for one rollout")
    parser.add_argument("--model", default="policy")
    parser.add_argument("--rollout-id", default=new_id(), help="which the capability is bound to")
    return parser.parse_args()


async def _rollout(arguments: argparse.Namespace) -> Outcome:
    """The boundary of a service, around one attempt."""
    progress, ref = Progress(), LiveRollout(rollout_id=arguments.rollout_id, attempt=1)
    work = asyncio.create_task(_play(arguments, progress))
    await asyncio.wait([work])
    return outcome_of(ref, work, progress, stopping=False)


async def _play(arguments: argparse.Namespace, progress: Progress) -> Any:
    sandboxes = KINDS[arguments.sandboxes]()
    task = TerminalTask.read(arguments.folder, sandboxes)
    await sandboxes.verify()
    rules, metrics = load_settings(TerminalSettings).rules, EnvironmentMetrics()
    play = Play(
        arguments.rollout_id,
        1,
        TaskRef(split="train", index=0),
        _model(arguments),
        time.monotonic() + arguments.deadline_s,
        progress,
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(sandboxes.running())
        client = await stack.enter_async_context(http_client(timeout_s=600))
        agent = _agent(arguments.agent, client, rules, metrics)
        scoring = Attempts(sandboxes, rules, metrics, None).run(task, agent, play)
        return await _within(scoring, arguments.deadline_s)


async def _within(scoring: Any, deadline_s: float) -> Any:
    try:
        async with asyncio.timeout(deadline_s) as limit:
            return await scoring
    except TimeoutError:
        if not limit.expired():
            raise
        late = f"the deadline of {deadline_s:g} s passed before a score"
        raise Failure(late, cause=Cause.ENVIRONMENT) from None


def _agent(name: str, client: httpx.AsyncClient, rules: Rules, metrics: EnvironmentMetrics) -> Agent:
    match name:
        case "oracle":
            return Oracle()
        case "noop":
            return Noop()
        case _:
            return BashAgent(client, rules, metrics, KeepAll())


def _model(arguments: argparse.Namespace) -> ModelAccess:
    if arguments.agent != "policy":
        return ModelAccess(base_url="", api_key="", name=arguments.model)
    if not arguments.gateway_url or arguments.api_key_file is None:
        raise Refused("a policy needs --gateway-url and --api-key-file", field="gateway_url")
    try:
        key = arguments.api_key_file.read_text().strip()
    except OSError as error:
        raise Refused(f"--api-key-file cannot be read: {error}", field="api_key_file") from None
    url = arguments.gateway_url.rstrip("/")
    base_url = url if url.endswith("/v1") else f"{url}/v1"
    return ModelAccess(base_url=base_url, api_key=key, name=arguments.model, sampling=Sampling())


if __name__ == "__main__":
    main()
