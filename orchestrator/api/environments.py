"""Environments: they register, send heartbeats, and are steered while they run."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field, model_validator

from orchestrator.api.access import READERS, Person, TheOrchestrator, allow, bearer, problems
from orchestrator.audit import Who
from orchestrator.cancel import cancel_environment
from orchestrator.environment import Condition, Environment, State
from orchestrator.parts import Orchestrator
from orchestrator.progress import EnvironmentProgress
from services.contracts.environment import Heartbeat, HeartbeatReply, Manifest, Registration
from services.contracts.words import Name, Word
from services.kit.access import Claims, Scope
from services.kit.failure import Forbidden, Refused

router = APIRouter(prefix="/v1/environments", tags=["environments"])
Author = Annotated[Claims, bearer(Scope.ENVIRONMENT)]
_OWN_TO_CHANGE = frozenset({"state", "max_in_flight"})


def _its_own(claims: Claims, name: str) -> None:
    """A token of one environment opens that one alone. Raises Forbidden."""
    if claims.environment is not None and claims.environment != name:
        raise Forbidden(f"this token is of environment '{claims.environment}'", field="name", value=name)


async def _named_author(name: Name, claims: Author) -> Claims:
    """Known before the body is looked at."""
    _its_own(claims, name)
    return claims


ItsAuthor = Annotated[Claims, Depends(_named_author)]


class EnvironmentView(Word):
    """An environment: how it is registered, what it offers, and how it does."""

    name: str
    url: str
    share: float
    max_in_flight: int | None
    min_share: float
    max_share: float
    deadline_s: float | None
    state: Condition
    registered_at: float
    manifest: Manifest
    progress: EnvironmentProgress


class EnvironmentList(Word):
    environments: tuple[EnvironmentView, ...]


class EnvironmentChange(Word):
    """What to change; fields that are left out stay as they are."""

    share: float | None = Field(default=None, ge=0.0, description="relative weight among environments")
    max_in_flight: int | None = Field(default=None, ge=1, description="null: as many as its capacity")
    state: State | None = None
    min_share: float | None = Field(default=None, ge=0.0, le=1.0, description="of all trained groups")
    max_share: float | None = Field(default=None, gt=0.0, le=1.0, description="of all trained groups")
    deadline_s: float | None = Field(default=None, gt=0.0, description="null: as the settings say")

    @model_validator(mode="after")
    def _not_null(self) -> "EnvironmentChange":
        for name in ("share", "state", "min_share", "max_share"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} is null: leave it out to keep it as it is")
        return self


@router.post(
    "",
    status_code=201,
    summary="Register an environment",
    responses=problems(503),
)
async def register(
    registration: Registration, orchestrator: TheOrchestrator, claims: Author
) -> EnvironmentView:
    """Make an environment known by name. The same name again updates its address and token, and keeps
    the share and limits that were changed since. Its manifest is read from `{url}/v1/manifest`."""
    _its_own(claims, registration.name)
    orchestrator.crash.reached("before_registration")
    environment = await orchestrator.registry.register(registration, Who.bears(claims))
    orchestrator.crash.reached("after_registration")
    orchestrator.dispatcher.wake()
    return _view(orchestrator, environment)


@router.get("", summary="List environments", dependencies=allow(*READERS), responses=problems())
async def list_environments(orchestrator: TheOrchestrator) -> EnvironmentList:
    known = orchestrator.registry.environments
    return EnvironmentList(environments=tuple(_view(orchestrator, known[name]) for name in sorted(known)))


@router.get("/{name}", summary="One environment", dependencies=allow(*READERS), responses=problems(404))
async def get_environment(name: Name, orchestrator: TheOrchestrator) -> EnvironmentView:
    return _view(orchestrator, orchestrator.registry.named(name))


@router.patch(
    "/{name}",
    summary="Change share, bounds, limits or state",
    responses=problems(404),
)
async def change_environment(
    name: Name,
    change: EnvironmentChange,
    orchestrator: TheOrchestrator,
    claims: ItsAuthor,
) -> EnvironmentView:
    """Takes effect at once, outlives restarts and is kept in the audit trail. `draining`: no new groups;
    open ones end. `paused`: what waits is not sent either, and nobody waits for its open groups."""
    values: dict[str, Any] = change.model_dump(exclude_unset=True)
    if claims.scope is Scope.ENVIRONMENT and (beyond := values.keys() - _OWN_TO_CHANGE):
        raise Forbidden(f"an environment may not change its {', '.join(sorted(beyond))}", field=min(beyond))
    known = orchestrator.registry.named(name)
    least, most = (values.get(bound, getattr(known, bound)) for bound in ("min_share", "max_share"))
    if least > most:
        raise Refused(
            f"min_share {least} is above max_share {most}",
            field="min_share",
            value=least,
            remedy="change both together",
        )
    environment = await orchestrator.registry.change(name, Who.bears(claims), **values)
    orchestrator.dispatcher.wake()
    return _view(orchestrator, environment)


@router.delete("/{name}", status_code=204, summary="Remove an environment", responses=problems(404))
async def remove_environment(name: Name, orchestrator: TheOrchestrator, claims: Person) -> None:
    """What is live in it ends with cause `cancelled`."""
    await orchestrator.registry.remove(name, Who.bears(claims))
    rules = orchestrator.rules()
    await orchestrator.journal.commit(lambda connection: cancel_environment(connection, name, rules))


@router.post(
    "/{name}/heartbeat",
    summary="Renew the leases of what is running",
    responses=problems(),
)
async def heartbeat(
    name: Name, beat: Heartbeat, orchestrator: TheOrchestrator, claims: ItsAuthor
) -> HeartbeatReply:
    """The reply names attempts to stop. `registered: false`: register again."""
    return await orchestrator.leases.heartbeat(name, beat)


def _view(orchestrator: Orchestrator, environment: Environment) -> EnvironmentView:
    return EnvironmentView(
        name=environment.name,
        url=environment.url,
        share=environment.share,
        max_in_flight=environment.max_in_flight,
        min_share=environment.min_share,
        max_share=environment.max_share,
        deadline_s=environment.deadline_s,
        state=orchestrator.registry.condition(environment),
        registered_at=environment.registered_at,
        manifest=environment.manifest,
        progress=orchestrator.overview.environment(environment),
    )
