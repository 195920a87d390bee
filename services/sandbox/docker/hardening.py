"""What a container may: everything is taken from it, and little given back where its task needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from services.sandbox.docker.seccomp import seccomp_profile
from services.sandbox.port import MIB, Blueprint, Limits, Tier

HOME = "/root"
PACKAGE_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID")
_NUMBERS = dict(zip(PACKAGE_CAPABILITIES, (0, 1, 3, 4, 5, 6, 7), strict=True))  # of linux/capability.h
_INODES = 65_536
_SHM_BYTES = 8 * MIB


@dataclass(frozen=True)
class Cage:
    """The limits and permissions of one container, as far as they do not depend on its image."""

    limits: Limits
    runtime: str | None
    capabilities: tuple[str, ...]
    user: str
    writable: tuple[str, ...]  # folders of a read-only root that are in memory; empty: all may be written
    storage_quota: bool

    @classmethod
    def of(
        cls, blueprint: Blueprint, limits: Limits, workdir: str, user: str, runtime: str, storage_quota: bool
    ) -> "Cage":
        """A task that names its user and writes everywhere keeps what package managers need, for its root."""
        as_in_its_image = blueprint.user is not None and not blueprint.read_only_root
        folders = dict.fromkeys(("/tmp", HOME, workdir, *blueprint.writable))
        return cls(
            limits=limits,
            runtime=runtime if blueprint.tier is Tier.HOSTILE else None,
            user=user,
            capabilities=PACKAGE_CAPABILITIES if as_in_its_image else (),
            writable=tuple(f for f in folders if f != "/") if blueprint.read_only_root else (),
            storage_quota=storage_quota and not blueprint.read_only_root,
        )

    def host_config(self, api: Any, **more: object) -> Mapping[str, Any]:
        """For the SDK's `create_container`."""
        limits, memory = self.limits, self.limits.memory_bytes + self.limits.work_bytes
        size = {"storage_opt": {"size": str(limits.work_bytes)}} if self.storage_quota else {}
        config: Mapping[str, Any] = api.create_host_config(
            **confinement(self.capabilities, self.runtime),
            auto_remove=True,
            read_only=bool(self.writable),
            tmpfs=dict.fromkeys(self.writable, self._tmpfs),
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=int(limits.cpus * 1e9),
            pids_limit=limits.processes,
            shm_size=_SHM_BYTES,
            oom_score_adj=1000,
            ulimits=[
                _ulimit("nofile", limits.open_files),
                _ulimit("fsize", limits.work_bytes),
                _ulimit("cpu", limits.cpu_s),
                _ulimit("core", 0),
            ],
            **size,
            **more,
        )
        return config

    @property
    def _tmpfs(self) -> str:
        """Where the image has the folder, its mode counts and not the one here: the user must own it."""
        sizes = f"size={self.limits.work_bytes},nr_inodes={_INODES}"
        return f"rw,exec,nosuid,nodev,mode=1777,uid={self.user},gid={self.user},{sizes}"

    def missing(self, said: str) -> list[str]:
        """What the init of a started container does not find around itself, in words."""
        found = set(said.split())
        wanted = {"NoNewPrivs:1": "no new privileges"}
        mask = sum(1 << _NUMBERS[name] for name in self.capabilities)
        kept = f"but {', '.join(self.capabilities)} " if self.capabilities else ""
        wanted[f"CapBnd:{mask:016x}"] = f"no capabilities {kept}to be had (CapBnd)"
        held = next((int(fact[7:], 16) for fact in found if fact.startswith("CapEff:")), -1)
        if held & ~mask:
            wanted["CapEff"] = f"no capabilities {kept}(CapEff)"
        if self.runtime is None:  # a kernel of the box's own filters by itself
            wanted |= {"Seccomp:2": "a system call filter (seccomp)"}
        return [name for fact, name in wanted.items() if fact not in found]


def confinement(capabilities: tuple[str, ...] = (), runtime: str | None = None) -> dict[str, Any]:
    """What holds for every container that we start, also beside a box."""
    return {
        "cap_drop": ["ALL"],
        "cap_add": list(capabilities),
        "security_opt": ["no-new-privileges", f"seccomp={_profile()}"],
        "ipc_mode": "private",
        "log_config": {"type": "none", "config": {}},
        **({"runtime": runtime} if runtime else {}),
    }


@cache
def _profile() -> str:
    return seccomp_profile()


def _ulimit(name: str, value: int) -> dict[str, Any]:
    return {"Name": name, "Soft": value, "Hard": value}
