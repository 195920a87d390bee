"""Engines: the servers that sample, as the gateway and people see them."""

from fastapi import APIRouter
from pydantic import Field

from orchestrator.api.access import READERS, Person, TheOrchestrator, allow, problems
from orchestrator.audit import Who
from orchestrator.fleet import Engine, EngineState
from services.contracts.words import Word
from services.kit.access import Scope

router = APIRouter(prefix="/v1/engines", tags=["engines"])


class EngineView(Word):
    """One engine. Only healthy ones are given new requests; those of an updating one wait in it."""

    engine_id: str
    url: str
    state: EngineState
    weight_version: int


class EngineList(Word):
    engines: tuple[EngineView, ...]


class EngineAddress(Word):
    url: str = Field(max_length=512)


@router.get("", summary="List engines", dependencies=allow(*READERS, Scope.GATEWAY), responses=problems())
async def list_engines(orchestrator: TheOrchestrator) -> EngineList:
    return EngineList(engines=tuple(_view(engine) for engine in orchestrator.fleet.engines.values()))


@router.post("", status_code=201, summary="Add an engine", responses=problems())
async def add_engine(address: EngineAddress, orchestrator: TheOrchestrator, claims: Person) -> EngineView:
    """It is down until it answers, and healthy once it holds the newest weights."""
    return _view(await orchestrator.fleet.add(address.url, Who.bears(claims)))


@router.delete("/{engine_id}", status_code=204, summary="Remove an engine", responses=problems(404))
async def remove_engine(engine_id: str, orchestrator: TheOrchestrator, claims: Person) -> None:
    await orchestrator.fleet.remove(engine_id, Who.bears(claims))


def _view(engine: Engine) -> EngineView:
    return EngineView(
        engine_id=engine.engine_id, url=engine.url, state=engine.state, weight_version=engine.weight_version
    )
