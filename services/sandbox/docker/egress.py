"""Two containers through which a box reaches what its task allows: a door in its network, a gate outside."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.sandbox.docker import egress_proxy
from services.sandbox.docker.engine import Engine
from services.sandbox.docker.hardening import confinement
from services.sandbox.docker.images import Images
from services.sandbox.docker.reaper import GATE, LABEL, ROLE
from services.sandbox.port import MIB, NOBODY, Network, NetworkMode, Sandbox, SandboxFailure

_OPENS_WITHIN_S = 20.0
_MEMORY = 96 * MIB
_PROXY = f"http://127.0.0.1:{egress_proxy.PORT}"
_PROXIED = ("http_proxy", "https_proxy", "all_proxy")
_AROUND = ("localhost", "127.0.0.1", "::1")

# Who answers that this is no request is the gate: a door alone has nothing to say.
_QUESTION = (
    f"(exec 6<>/dev/tcp/127.0.0.1/{egress_proxy.PORT} && printf 'podium\\r\\n\\r\\n' >&6"
    " && IFS= read -r -t 3 answer <&6 && [[ $answer == 'HTTP/1.1 403 '* ]]) 2>/dev/null"
)


def variables(beside: Sequence[str] = ()) -> dict[str, str]:
    """By which programs find the door; hosts that stand `beside` the box are reached without it."""
    proxies = {name: _PROXY for word in _PROXIED for name in (word, word.upper())}
    return {**proxies, **dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join((*_AROUND, *beside)))}


@dataclass(frozen=True)
class Gate:
    """Its container, and the volume that leads to it."""

    container: str
    volume: str


@dataclass(frozen=True)
class Egress:
    """`image` has a Python 3.11 as `python3`. `private`: networks beyond the public that may be reached."""

    engine: Engine
    images: Images
    image: str
    network: str
    private: tuple[str, ...]

    async def pulled(self) -> None:
        """Its image is here. Errors: SandboxFailure."""
        await self.images.prebuilt(self.image)

    @asynccontextmanager
    async def gate(self, box: str, network: Network) -> AsyncIterator[Gate]:
        """The gate of a box that is yet to be made; its image is there (`pulled`)."""
        volume = f"podium-egress-{box[-16:]}"
        labels = {LABEL: box, "podium.made": str(time.time())}
        options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=1777"}
        await self.engine.call("create_volume", volume, driver="local", driver_opts=options, labels=labels)
        hosts = None if network.mode is NetworkMode.PUBLIC else network.hosts
        rules = json.dumps({"hosts": hosts, "private": self.private})
        gate = None
        try:
            gate = await self._started(box, GATE, [rules], volume, self.network)
            yield Gate(gate, volume)
        finally:
            await asyncio.shield(self._removed(gate, volume))

    @asynccontextmanager
    async def door(self, box: str, container: str, gate: Gate) -> AsyncIterator[str]:
        """The door in the network of a box that runs."""
        door = await self._started(box, "door", [], gate.volume, f"container:{container}")
        try:
            yield door
        finally:
            await asyncio.shield(self.engine.remove(door))

    async def opened(self, sandbox: Sandbox) -> None:
        """Wait until the gate answers the box through the door. Errors: SandboxFailure."""
        deadline = time.monotonic() + _OPENS_WITHIN_S
        while (await sandbox.run(_QUESTION, 5.0)).exit_code != 0:
            if time.monotonic() > deadline:
                raise SandboxFailure(f"the box had no way out within {_OPENS_WITHIN_S:g} s")
            await asyncio.sleep(0.05)

    async def _started(self, box: str, part: str, more: list[str], volume: str, network: str) -> str:
        made = await self.engine.call(
            "create_container",
            self.image,
            entrypoint=["python3", "-I", "-c", _source(), part, *more],
            name=f"podium-{part}-{box[-16:]}",
            user=str(NOBODY),
            labels={LABEL: box, ROLE: part},
            volumes=["/egress"],
            host_config=self.engine.api.create_host_config(
                **confinement(),
                read_only=True,
                mem_limit=_MEMORY,
                memswap_limit=_MEMORY,
                pids_limit=64,
                network_mode=network,
                binds={volume: {"bind": "/egress", "mode": "rw"}},
                restart_policy={"Name": "on-failure", "MaximumRetryCount": 5},
            ),
        )
        try:
            await self.engine.call("start", made["Id"])
        except BaseException:  # also when cancelled: nobody else knows this container
            await asyncio.shield(self.engine.remove(made["Id"]))
            raise
        return str(made["Id"])

    async def _removed(self, gate: str | None, volume: str) -> None:
        if gate is not None:
            await self.engine.remove(gate)
        await self.engine.call("remove_volume", volume, force=True)


@cache
def _source() -> str:
    return Path(egress_proxy.__file__).read_text()
