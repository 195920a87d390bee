"""What can go wrong with a model call, and how an OpenAI client reads it.

Refused
├── InvalidRequest      400: the request itself
│   └── ContextTooLong  400 `context_length_exceeded`
└── StillRunning        409: the first request with this idempotency key has not ended
Unavailable
├── EngineUnavailable   503 `engine_unavailable`: no engine answered in time
└── RecordNotKept       503 `record_not_kept`: the reply was not recorded, so nobody may see it
Failure
├── EngineRefused       502 `engine_refused`: an engine called our request wrong
└── TitoBreak           500 `tito_break`: a prompt that does not begin with what was sampled
"""

from services.contracts.cause import Cause
from services.kit.failure import Conflict, Failure, Refused, Unavailable


class InvalidRequest(Refused):
    status = 400
    title = "invalid_request_error"
    code = "invalid_request"


class ContextTooLong(InvalidRequest):
    code = "context_length_exceeded"

    def __init__(self, tokens: int, context_length: int) -> None:
        super().__init__(
            f"the prompt has {tokens} tokens; the context holds {context_length}, the reply included",
            field="messages",
            remedy="send a shorter conversation",
        )


class StillRunning(Conflict):
    code = "still_running"


class EngineUnavailable(Unavailable):
    code = "engine_unavailable"

    def __init__(self, waited_s: float, last: str) -> None:
        super().__init__(
            f"no engine answered within {waited_s:g} s; last: {last}", cause=Cause.ENGINE, retry_after_s=5
        )


class EngineRefused(Failure):
    status = 502
    title = "engine_error"
    code = "engine_refused"


class RecordNotKept(Unavailable):
    code = "record_not_kept"


class TitoBreak(Failure):
    title = "server_error"
    code = "tito_break"
