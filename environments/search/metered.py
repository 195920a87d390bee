"""Model calls of one rollout that also tell how large the context has become."""

import httpx

from environments.terminal.chat import Chat


class MeteredChat(Chat):
    """`context_tokens`: prompt and reply of the last call, as the gateway counted."""

    context_tokens: int = 0

    async def _post(self, body: dict[str, object]) -> httpx.Response:
        response = await super()._post(body)
        if response.is_success:
            usage = response.json().get("usage") or {}
            self.context_tokens = int(usage.get("total_tokens", 0))
        return response
