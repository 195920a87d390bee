"""Services beside the sandboxes of one task: containers in one network of their own, with no way out.

Their network is that of one more container, the ground, which does nothing. Sandboxes join it, one after
another or at once, so a service that an agent worked with is as the agent left it when tests look at it.
The ground ends when its owner does; the reaper then removes the services.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.sandbox.docker.composition import MAIN_SERVICE, Composition, Service
from services.sandbox.docker.engine import Engine
from services.sandbox.docker.hardening import PACKAGE_CAPABILITIES, confinement
from services.sandbox.docker.images import BoxImage, Images
from services.sandbox.docker.reaper import LABEL, MAIN, ROLE, new_box
from services.sandbox.docker.starts import Starts
from services.sandbox.port import MIB, Limits, SandboxFailure

_GROUND_MEMORY = 32 * MIB
_PROCESSES = 512
_STARTS_WITHIN_S = 120.0
_SHOWN = 2_000
_GROUND = ("/bin/bash", "--noprofile", "--norc", "-c", "read -r _")  # until its input ends with its owner


@dataclass(frozen=True)
class Company:
    """Services that run, and their containers: the label of all, and the one whose network it is."""

    name: str
    ground: str
    services: Mapping[str, str]


@dataclass(frozen=True)
class Companies:
    """Opens them on one engine."""

    engine: Engine
    images: Images
    starts: Starts

    @asynccontextmanager
    async def open(
        self, composition: Composition, image: BoxImage, limits: Limits, labels: Mapping[str, str]
    ) -> AsyncIterator[Company]:
        """The services, once every one of them is ready. Errors: SandboxFailure."""
        name = new_box()
        async with AsyncExitStack() as stack:
            ground = await self._ground(stack, name, composition, image, labels)
            running: dict[str, str] = {}
            told = {**{f"podium.{key}": value for key, value in labels.items()}, LABEL: name}
            for service in composition.services:
                await self._until_ready(service.after, running, composition)
                running[service.name] = await self._started(stack, told, service, ground, limits)
            await self._until_ready(self._wanted(composition), running, composition)
            yield Company(name, ground, running)

    def _wanted(self, composition: Composition) -> dict[str, str]:
        """What the sandbox waits for: everything is there, and well where it can tell."""
        return {
            one.name: "service_completed_successfully"
            if one.name in composition.ends
            else "service_healthy"
            if one.health
            else "service_started"
            for one in composition.services
        }

    async def _ground(
        self,
        stack: AsyncExitStack,
        name: str,
        composition: Composition,
        image: BoxImage,
        labels: Mapping[str, str],
    ) -> str:
        known = dict.fromkeys((MAIN_SERVICE, *(one.name for one in composition.services)), "127.0.0.1")
        return await self._begun(
            stack,
            image.id,
            attached=True,
            entrypoint=list(_GROUND),
            name=f"podium-company-{name[-16:]}",
            hostname=MAIN_SERVICE,
            user="65534",
            stdin_open=True,
            labels={**{f"podium.{key}": value for key, value in labels.items()}, LABEL: name, ROLE: MAIN},
            host_config=self.engine.api.create_host_config(
                **confinement(),
                auto_remove=True,
                read_only=True,
                mem_limit=_GROUND_MEMORY,
                memswap_limit=_GROUND_MEMORY,
                pids_limit=8,
                network_mode="none",
                extra_hosts=known,
            ),
        )

    async def _started(
        self,
        stack: AsyncExitStack,
        labels: Mapping[str, str],
        service: Service,
        ground: str,
        limits: Limits,
    ) -> str:
        found = await self._image(service, limits)
        return await self._begun(
            stack,
            found["Id"],
            command=service.command and list(service.command),
            entrypoint=service.entrypoint and list(service.entrypoint),
            name=f"podium-{service.name}-{labels[LABEL][-16:]}",
            user=service.user,
            environment=dict(service.env),
            working_dir=service.workdir,
            healthcheck=service.health and service.health.for_the_engine(),
            labels={**labels, ROLE: f"service {service.name}"},
            host_config=self.engine.api.create_host_config(
                **{**confinement(PACKAGE_CAPABILITIES), "log_config": _LOG},
                mem_limit=limits.memory_bytes,
                memswap_limit=limits.memory_bytes,
                nano_cpus=int(limits.cpus * 1e9),
                pids_limit=_PROCESSES,
                network_mode=f"container:{ground}",
            ),
        )

    async def _begun(
        self, stack: AsyncExitStack, image: str, attached: bool = False, **options: object
    ) -> str:
        """A container made and started in its turn; its owner's end is that of one that is `attached`."""
        async with self.starts.one():
            made = await self.engine.call("create_container", image, **options)
            container = str(made["Id"])
            stack.push_async_callback(partial(self._removed, container))
            if attached:
                stream: socket.socket = await self.engine.attached(container)
                stack.callback(stream.close)
            await self.engine.call("start", container)
        return container

    async def _image(self, service: Service, limits: Limits) -> dict[str, Any]:
        if service.folder is not None:
            return await self.images.built(service.folder, limits)
        return await self.images.prebuilt(str(service.image))

    async def _until_ready(
        self, wanted: Mapping[str, str], running: Mapping[str, str], composition: Composition
    ) -> None:
        health = {one.name: one.health for one in composition.services}
        for name, condition in wanted.items():
            check = health[name]
            longest = _STARTS_WITHIN_S if check is None else max(_STARTS_WITHIN_S, check.longest_s)
            deadline = time.monotonic() + longest
            while not await self._come_to(name, condition, running[name]):
                if time.monotonic() > deadline:
                    raise await self._failed(name, running[name], f"not ready within {longest:g} s")
                await asyncio.sleep(0.1)

    async def _come_to(self, name: str, condition: str, container: str) -> bool:
        """Whether a service is where another one wants it. Errors: SandboxFailure if it will never be."""
        state = (await self.engine.call("inspect_container", container))["State"]
        ended = not state["Running"]
        if condition == "service_completed_successfully":
            if ended and state["ExitCode"] != 0:
                raise await self._failed(name, container, f"ended with {state['ExitCode']}")
            return ended
        if ended:
            raise await self._failed(name, container, f"ended with {state['ExitCode']}")
        return condition == "service_started" or state.get("Health", {}).get("Status") == "healthy"

    async def _failed(self, name: str, container: str, how: str) -> SandboxFailure:
        said = await self.engine.call("logs", container, tail=50)
        text = bytes(said).decode(errors="replace")[-_SHOWN:].strip()
        return SandboxFailure(f"the service {name} beside the sandbox {how}: {text or 'it said nothing'}")

    async def _removed(self, container: str) -> None:
        await asyncio.shield(self.engine.remove(container))


_LOG = {"type": "json-file", "config": {"max-size": "1m", "max-file": "1"}}
