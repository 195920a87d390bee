"""What an environment service and the orchestrator say to each other: `podium.environment/1`."""

from typing import Final, Literal

from pydantic import Field

from services.contracts.words import Id, Name, Split, Word

CONTRACT: Final = "podium.environment/1"


class TaskRef(Word):
    """One task: its split and its index in that split."""

    split: Split
    index: int = Field(ge=0)


class TaskCard(Word):
    """A task as people see it."""

    task: TaskRef
    title: str
    tags: tuple[str, ...] = ()
    instruction: str


class Manifest(Word):
    """What an environment offers: `GET /v1/manifest`."""

    contract: Literal["podium.environment/1"] = CONTRACT
    name: Name
    version: str
    description: str = ""
    splits: dict[Split, int] = Field(description="number of tasks in each split")
    capacity: int = Field(ge=1, description="rollouts that run at once")
    reward_components: tuple[str, ...] = ()
    reward_range: tuple[float, float] = (0.0, 1.0)
    isolation: Literal["semi-trusted", "hostile", "none"] = "semi-trusted"


class Sampling(Word):
    """How the model is sampled; the gateway enforces it over what an agent asks for."""

    temperature: float = Field(default=1.0, ge=0.0, le=10.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    top_k: int = Field(default=-1, ge=-1)
    max_new_tokens: int = Field(default=512, ge=1, description="of one model call")


class ModelAccess(Word):
    """The door to the model for one rollout attempt: an ordinary base URL and API key."""

    base_url: str
    api_key: str = Field(repr=False, description="a capability for this rollout and attempt alone")
    name: str
    sampling: Sampling = Sampling()


class RolloutRequest(Word):
    """`POST {environment}/v1/rollouts`: run one attempt and report its outcome."""

    rollout_id: Id
    attempt: int = Field(ge=1)
    task: TaskRef
    model: ModelAccess
    deadline_s: float = Field(gt=0, description="seconds from acceptance to the end of the attempt")
    report_url: str
    report_token: str = Field(repr=False)


class RolloutState(Word):
    """`GET {environment}/v1/rollouts/{id}`: what the environment knows of an attempt."""

    rollout_id: Id
    attempt: int
    state: Literal["running", "reporting", "reported"]
    turns: int = 0
    seconds: float = 0.0


class Registration(Word):
    """`POST /v1/environments`: an environment makes itself, or is made, known."""

    name: Name
    url: str
    dispatch_token: str = Field(default="", repr=False, description="bearer token the orchestrator presents")
    share: float = Field(default=1.0, ge=0.0, description="relative weight among environments")
    max_in_flight: int | None = Field(default=None, ge=1)


class LiveRollout(Word):
    """One attempt that an environment is working on."""

    rollout_id: Id
    attempt: int = Field(ge=1)


class Heartbeat(Word):
    """`POST /v1/environments/{name}/heartbeat`: renews the leases of what is running."""

    running: tuple[LiveRollout, ...] = ()


class HeartbeatReply(Word):
    """Attempts that the environment should stop: cancelled, ended, or taken over by a newer attempt."""

    stop: tuple[LiveRollout, ...] = ()
    registered: bool = Field(default=True, description="false: nobody knows it; it registers again")
