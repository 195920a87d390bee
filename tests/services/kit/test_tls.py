"""TLS and mutual TLS between real servers and clients, with an authority of the test's own."""

import asyncio
import datetime
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI

from services.kit.http import http_client
from services.kit.serve import serving
from services.kit.settings import ServedSettings
from services.kit.tls import Tls

NOW = datetime.datetime.now(datetime.UTC)


class Authority:
    """Signs certificates for the loopback address into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        built = self._builder(self._name, self._key).add_extension(constraints, critical=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(built.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, *, mutual: bool = False) -> Tls:
        """What a process of this authority is configured with."""
        key = ec.generate_private_key(ec.SECP256R1())
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        built = self._builder(_named(name), key).add_extension(here, critical=False)
        certificate, private = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        certificate.write_bytes(_pem(built.sign(self._key, hashes.SHA256())))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return Tls(certificate, private, self.file, mutual)

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(hours=1))
            .not_valid_after(NOW + datetime.timedelta(hours=1))
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@asynccontextmanager
async def served(folder: Path, tls: Tls) -> AsyncIterator[str]:
    app, ready = FastAPI(), folder / "ready"

    @app.get("/")
    async def hello() -> str:
        return "hello"

    async with serving(app, "127.0.0.1", 0, ready, tls):
        while not ready.exists():
            await asyncio.sleep(0.01)
        yield ready.read_text()


async def ask(url: str, tls: Tls) -> int:
    async with http_client(base_url=url, tls=tls, timeout_s=5) as client:
        return (await client.get("/")).status_code


async def test_a_client_trusts_its_authority_and_nobody_else(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    async with served(tmp_path, ours.issue("server")) as url:
        assert url.startswith("https://")
        assert await ask(url, Tls(authority=ours.file)) == 200
        for stranger in (Tls(authority=other.file), Tls()):
            with pytest.raises(httpx.TransportError):
                await ask(url, stranger)
        with pytest.raises(httpx.TransportError):
            await ask(url.replace("https", "http"), Tls())


async def test_mutual_means_that_a_client_shows_a_certificate(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    async with served(tmp_path, ours.issue("server", mutual=True)) as url:
        assert await ask(url, ours.issue("client")) == 200
        forged = other.issue("forged")
        for stranger in (
            Tls(authority=ours.file),
            Tls(forged.certificate, forged.key, ours.file),
        ):
            with pytest.raises(httpx.TransportError):
                await ask(url, stranger)


@pytest.mark.parametrize(
    "values", [{"tls_cert_file": "a"}, {"tls_mutual": True}, {"tls_key_file": "a", "tls_mutual": True}]
)
def test_halves_of_a_certificate_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="tls_"):
        ServedSettings(**values)  # type: ignore[arg-type]
