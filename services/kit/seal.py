"""Secrets that must be kept to be presented again: encrypted at rest under the signing secret."""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Seal:
    """Closes with the first secret, opens with any of them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_key(secret)) for secret in secrets])

    def close(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str | None:
        """The text; None if it was sealed with none of the secrets."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None


def _key(secret: str) -> bytes:
    """Another key than the one that signs, from the same secret."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"podium seal\0" + secret.encode()).digest())
