"""Requests made from each service's own OpenAPI document, odd and wrong ones: none is an error of ours."""

from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from services.contracts.words import new_id
from services.kit.access import Claims, Scope, Signer
from tests.integration.conftest import DISPATCH_TOKEN, ENGINE_KEYS, SECRET, Services

# A server that is asked for what it cannot do now says so: that is no error of ours.
CANNOT_NOW = {503}
ENDLESS = "/stream"
DOSE = settings(
    max_examples=4,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def tokens() -> Mapping[str, str]:
    signer = Signer(SECRET)
    return {
        "orchestrator": signer.mint(Claims(Scope.ADMIN, holder="schemas"), 600),
        "gateway": signer.mint(Claims(Scope.ROLLOUT, new_id(), 1, max_new_tokens=2), 600),
        "environment": DISPATCH_TOKEN,
        "engine": str(ENGINE_KEYS.admin),
        "learner": "",
        "sandbox": signer.mint(Claims(Scope.SANDBOX), 600),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["orchestrator", "gateway", "environment", "engine", "learner", "sandbox"])
def test_no_request_is_a_server_error(services: Services, name: str) -> None:
    document = services[name].app.openapi()
    schema = schemathesis.openapi.from_dict(document)
    headers = {"authorization": f"Bearer {tokens()[name]}"}
    asked = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path.endswith(ENDLESS):
            continue

        @DOSE
        @given(case=st.one_of(*(operation.as_strategy(mode) for mode in GenerationMode)))
        def ask(case: Case[Any]) -> None:
            reply = case.call(base_url=services[name].url, headers=headers, timeout=20)
            if reply.status_code not in CANNOT_NOW:
                case.validate_response(reply, checks=[not_a_server_error])

        ask()
        asked += 1
    assert asked >= 1
