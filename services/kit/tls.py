"""TLS of a process: its certificate as a server and as a client, and whose certificates it trusts."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Tls:
    """`certificate` and `key` together, or neither. `authority` signs those whom this process trusts, instead
    of the system's authorities. `mutual`: clients must show a certificate of it too."""

    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    mutual: bool = False

    @property
    def scheme(self) -> str:
        return "http" if self.certificate is None else "https"

    def server_options(self) -> dict[str, Any]:
        """What uvicorn is told."""
        if self.certificate is None:
            return {}
        verified = {"ssl_ca_certs": self.authority, "ssl_cert_reqs": ssl.CERT_REQUIRED}
        files = {"ssl_certfile": self.certificate, "ssl_keyfile": self.key}
        return {**files, **(verified if self.mutual else {})}

    def client_context(self) -> ssl.SSLContext | bool:
        """Verifies servers, and shows our certificate to those that ask. True: as the system does it."""
        if self.authority is None and self.certificate is None:
            return True
        context = ssl.create_default_context(cafile=None if self.authority is None else str(self.authority))
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


NO_TLS = Tls()
