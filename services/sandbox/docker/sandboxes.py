"""Sandboxes as Docker containers: which are refused, how they are opened, and what goes with them."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from uuid import uuid4

from services.kit.failure import Unavailable
from services.sandbox.docker.box import DockerSandbox
from services.sandbox.docker.company import Companies
from services.sandbox.docker.compose import read_composition, with_its_main
from services.sandbox.docker.egress import Egress, variables
from services.sandbox.docker.engine import Engine
from services.sandbox.docker.hardening import HOME, Cage
from services.sandbox.docker.images import BoxImage, Images
from services.sandbox.docker.init import INIT
from services.sandbox.docker.losses import services_kept, way_out_kept
from services.sandbox.docker.reaper import LABEL, MAIN, ROLE, new_box, reap
from services.sandbox.docker.refusals import refuse_beyond_docker, refuse_volumes
from services.sandbox.docker.starts import StartRules, Starts
from services.sandbox.docker.warm import WarmPool, WarmRules
from services.sandbox.port import IMAGE_USER, NOBODY, Blueprint, Limits, NetworkMode, Sandbox, SandboxFailure

_REAPS_EVERY_S = 30.0
_WAY_OUT = 2  # containers


@dataclass(frozen=True)
class DockerRules:
    """How an owner of containers uses its engine. `hostile_runtime`: gVisor's or Kata's name there.

    `egress_private`: networks that a box with a way out may reach besides public addresses.
    """

    hostile_runtime: str = "runsc"
    build_network: bool = True
    egress_image: str = "python:3.11-slim"
    egress_network: str = "bridge"
    egress_private: tuple[str, ...] = ()
    starts: StartRules = field(default_factory=StartRules)
    warm: WarmRules = field(default_factory=WarmRules)


@dataclass(frozen=True)
class Plan:
    """All that decides what a container is, but not whose it is: boxes of one plan are interchangeable."""

    image: BoxImage
    cage: Cage
    env: tuple[tuple[str, str], ...]

    def told(self, more: Mapping[str, str]) -> "Plan":
        """The same with more variables, where it has none of these itself."""
        return replace(self, env=tuple(sorted({**more, **dict(self.env)}.items())))


class DockerSandboxes:
    """Opens containers on the engine that DOCKER_HOST names. Errors of making it: Unavailable."""

    def __init__(self, rules: DockerRules | None = None) -> None:
        self._rules = rules or DockerRules()
        self._engine = Engine()
        self._images = Images(self._engine, self._rules.build_network)
        self._egress = Egress(
            self._engine,
            self._images,
            self._rules.egress_image,
            self._rules.egress_network,
            self._rules.egress_private,
        )
        self._starts = Starts(self._rules.starts)
        self._companies = Companies(self._engine, self._images, self._starts)
        self._warm = WarmPool(self._started, self._rules.warm)

    @property
    def runtimes(self) -> tuple[str, ...]:
        return self._engine.facts.runtimes

    async def verify(self) -> None:
        """Each box proves the rest when it starts."""
        if lacks := self._engine.facts.lacks:
            raise Unavailable(
                f"sandboxes would not hold on this Docker Engine, what is missing: {', '.join(lacks)}"
            )

    def check(self, blueprint: Blueprint) -> None:
        refuse_beyond_docker(blueprint, self._rules.hostile_runtime, self.runtimes)

    @asynccontextmanager
    async def open(
        self, blueprint: Blueprint, limits: Limits, tree: bytes | None = None
    ) -> AsyncIterator[Sandbox]:
        self.check(blueprint)
        if blueprint.compose is not None and blueprint.company is None:
            async with self.accompanied(blueprint, limits) as joined, self.open(joined, limits, tree) as box:
                yield box
            return
        plan = await self._plan(blueprint, limits)
        seed = b""
        if tree is None and plan.cage.writable:
            seed = await self._images.seed(plan.image, plan.cage.writable, limits.work_bytes)
        if blueprint.company is not None:
            async with self._joined(plan, blueprint, seed, tree) as box:
                yield box
        elif blueprint.network.mode is NetworkMode.NONE:
            async with self._furnished(plan, blueprint.labels, seed, tree) as box:
                yield box
        else:
            async with self._with_a_way_out(plan, blueprint, seed, tree) as box:
                yield box

    @asynccontextmanager
    async def accompanied(self, blueprint: Blueprint, limits: Limits) -> AsyncIterator[Blueprint]:
        if blueprint.compose is None:
            yield blueprint
            return
        composition = read_composition(blueprint.compose, blueprint.env)
        plan = await self._plan(blueprint, limits)
        async with AsyncExitStack() as stack:
            opened = self._companies.open(composition, plan.image, limits, blueprint.labels)
            company = await stack.enter_async_context(opened)
            if blueprint.network.mode is not NetworkMode.NONE:
                await self._egress.pulled()
                async with self._starts.one(_WAY_OUT):
                    gate = await stack.enter_async_context(self._egress.gate(company.name, blueprint.network))
                    door = await stack.enter_async_context(
                        self._egress.door(company.name, company.ground, gate)
                    )
                parts = {"gate": gate.container, "door": door}
                await stack.enter_async_context(way_out_kept(self._engine, parts))
            await stack.enter_async_context(services_kept(self._engine, company.services))
            yield replace(blueprint, company=company.ground)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Meanwhile boxes are started ahead and orphans removed; afterwards the engine is let go."""
        reaping = asyncio.create_task(self._reap())
        try:
            async with self._warm.running():
                yield
        finally:
            reaping.cancel()
            self._engine.close()

    async def _reap(self) -> None:
        while True:
            with suppress(SandboxFailure):  # the engine is away: the next round sees
                await reap(self._engine)
            await asyncio.sleep(_REAPS_EVERY_S)

    @asynccontextmanager
    async def _furnished(
        self, plan: Plan, labels: Mapping[str, str], seed: bytes, tree: bytes | None
    ) -> AsyncIterator[DockerSandbox]:
        """A box that waited, or if there is none or it has died meanwhile, a new one."""
        waited = self._warm.take(plan)
        if waited is not None:
            try:
                box = await waited.furnish(seed, tree)
            except SandboxFailure:
                await asyncio.shield(waited.close())
            else:
                await self._engine.call("rename", box.container, _name(labels))
                async with _closing(box):
                    yield box
                return
        box = await self._started(plan, labels)
        async with _closing(box):
            yield await box.furnish(seed, tree)

    @asynccontextmanager
    async def _with_a_way_out(
        self, plan: Plan, blueprint: Blueprint, seed: bytes, tree: bytes | None
    ) -> AsyncIterator[DockerSandbox]:
        """The gate before the box and the door after it; the box itself has no network either way."""
        name = new_box()
        plan = plan.told(variables())
        await self._egress.pulled()
        async with AsyncExitStack() as stack:
            async with self._starts.one(1 + _WAY_OUT):
                gate = await stack.enter_async_context(self._egress.gate(name, blueprint.network))
                box = await self._started_now(plan, blueprint.labels, name)
                await stack.enter_async_context(_closing(box))
                door = await stack.enter_async_context(self._egress.door(name, box.container, gate))
            await box.furnish(seed, tree)
            await self._egress.opened(box)
            async with way_out_kept(self._engine, {"gate": gate.container, "door": door}):
                yield box

    @asynccontextmanager
    async def _joined(
        self, plan: Plan, blueprint: Blueprint, seed: bytes, tree: bytes | None
    ) -> AsyncIterator[DockerSandbox]:
        """A box in the network of its company, whose door is its own."""
        ways_out = blueprint.network.mode is not NetworkMode.NONE
        if ways_out and blueprint.compose is not None:
            services = read_composition(blueprint.compose, blueprint.env).services
            plan = plan.told(variables([service.name for service in services]))
        box = await self._started(plan, blueprint.labels, company=blueprint.company)
        async with _closing(box):
            await box.furnish(seed, tree)
            if ways_out:
                await self._egress.opened(box)
            yield box

    async def _plan(self, blueprint: Blueprint, limits: Limits) -> Plan:
        blueprint = with_its_main(blueprint)
        image = await self._images.image(blueprint, limits)
        user = {None: str(NOBODY), IMAGE_USER: image.user}.get(blueprint.user, blueprint.user)
        env = {"HOME": HOME, **blueprint.env} if blueprint.user is None else blueprint.env
        cage = Cage.of(
            blueprint,
            limits,
            image.workdir,
            str(user),
            self._rules.hostile_runtime,
            self._engine.facts.storage_quota,
        )
        refuse_volumes(image.volumes, cage.writable)
        return Plan(image, cage, tuple(sorted(env.items())))

    async def _started(
        self,
        plan: Plan,
        labels: Mapping[str, str] | None = None,
        company: str | None = None,
    ) -> DockerSandbox:
        async with self._starts.one():
            return await self._started_now(plan, labels or {}, new_box(), company)

    async def _started_now(
        self, plan: Plan, labels: Mapping[str, str], name: str, company: str | None = None
    ) -> DockerSandbox:
        """For whoever has a place among the starts."""
        container = await self._created(plan, labels, name, company)
        try:
            return await DockerSandbox.start(self._engine, container, plan.cage, plan.image.workdir)
        except BaseException:  # also when cancelled: nobody else knows this container
            await asyncio.shield(self._engine.remove(container))
            raise

    async def _created(
        self, plan: Plan, labels: Mapping[str, str], box: str, company: str | None = None
    ) -> str:
        owners = "--same-owner" if plan.cage.capabilities else "--no-same-owner"
        made = await self._engine.call(
            "create_container",
            plan.image.id,
            entrypoint=["/bin/bash", "--noprofile", "--norc", "-c", INIT, "init", owners],
            name=_name(labels),
            hostname=None if company else "sandbox",  # it has the name of the network it joins
            user=plan.cage.user,
            environment=dict(plan.env),
            working_dir=plan.image.workdir,
            stdin_open=True,
            labels={
                **{f"podium.{key}": value for key, value in labels.items()},
                LABEL: box,
                ROLE: MAIN,
            },
            host_config=plan.cage.host_config(
                self._engine.api, network_mode=f"container:{company}" if company else "none"
            ),
        )
        return str(made["Id"])


@asynccontextmanager
async def _closing(box: DockerSandbox) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await asyncio.shield(box.close())


def _name(labels: Mapping[str, str]) -> str:
    """For people, who see a rollout in it also where the box was started before its rollout."""
    told = "".join(f"-{re.sub('[^a-zA-Z0-9_.-]', '', value)[:40]}" for value in labels.values())
    return f"podium{told}-{uuid4().hex[:8]}"
