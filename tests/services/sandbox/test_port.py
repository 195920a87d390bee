"""What a blueprint may say."""

import pytest

from services.kit.failure import Refused
from services.sandbox.port import Network, NetworkMode


@pytest.mark.parametrize("host", ["pypi.org", "*.debian.org", "localhost", "a-b.c_d.example", "10.0.0.7"])
def test_names_of_hosts(host: str) -> None:
    assert Network(NetworkMode.ALLOWLIST, (host,)).hosts == (host,)


@pytest.mark.parametrize(
    "host", ["", "https://pypi.org", "pypi.org/simple", "pypi.org:443", "*", "a b", "-a.org"]
)
def test_what_is_no_name_of_a_host_is_refused(host: str) -> None:
    with pytest.raises(Refused, match="is no name of a host"):
        Network(NetworkMode.ALLOWLIST, (host,))


def test_hosts_belong_to_an_allowlist() -> None:
    with pytest.raises(Refused, match="the network is public"):
        Network(NetworkMode.PUBLIC, ("pypi.org",))
