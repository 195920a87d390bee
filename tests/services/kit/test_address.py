"""URLs that hide private addresses, foreign schemes or credentials: none is requested."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.address import Allowance, forbidden, target
from services.kit.failure import Refused

NASTY = """
http://127.0.0.1/
http://127.1/
http://127.0.1/
http://127.255.255.254/
http://0/
http://0.0.0.0/
http://00000000/
http://2130706433/
http://017700000001/
http://0177.0.0.1/
http://0x7f000001/
http://0x7f.0x0.0x0.0x1/
http://0x7f.1/
http://127.0.0.01/
http://127.0.0.1./
http://10.0.0.1/
http://10.1/
http://172.16.0.1/
http://172.31.255.255/
http://192.168.0.1/
http://192.168.1/
http://100.64.0.1/
http://100.100.100.200/latest/meta-data/
http://169.254.169.254/latest/meta-data/
http://169.254.170.2/v2/credentials
http://2852039166/
http://0xa9fea9fe/
http://168.63.129.16/machine
http://192.0.0.192/
http://192.0.2.1/
http://198.18.0.1/
http://224.0.0.1/
http://239.255.255.250/
http://240.0.0.1/
http://255.255.255.255/
http://[::]/
http://[::1]/
http://[0:0:0:0:0:0:0:1]/
http://[::ffff:127.0.0.1]/
http://[::ffff:7f00:1]/
http://[::127.0.0.1]/
http://[64:ff9b::7f00:1]/
http://[64:ff9b:1::a00:1]/
http://[2002:7f00:1::]/
http://[2002:a9fe:a9fe::1]/
http://[2001:0:7f00:1::1]/
http://[fe80::1]/
http://[fe80::1%25eth0]/
http://[2606:4700::1%25eth0]/
http://[fc00::1]/
http://[fd00:ec2::254]/
http://[ff02::1]/
http://[2001:db8::1]/
http://[::1/
http://localhost/
http://localhost./
http://LOCALHOST/
http://app.localhost/
http://printer.local/
http://metadata.google.internal/computeMetadata/v1/
http://metadata.google.internal./
http://metadata/
http://router.lan/
http://box.home.arpa/
http://redis:80/
http://１２７.０.０.１/
http://127。0。0。1/
http://①②⑦.⓪.⓪.①/
http://ⓛocalhost/
http://exa mple.org/
http://example.org\\@127.0.0.1/
http://user@example.org/
http://user:password@example.org/
http://127.0.0.1:80@example.org/
http://@example.org/
http://example.org:22/
http://example.org:6379/
http://example.org:0/
http://example.org:99999/
http://example.org:port/
https:/example.org
https:///example.org
http://
http:
//example.org/
example.org
/etc/passwd
file:///etc/passwd
file://example.org/etc/passwd
gopher://example.org:80/_GET
ftp://example.org/
dict://example.org:11211/
ldap://example.org/
data:text/html,hello
javascript:alert(1)
ws://example.org/
HTTP+unix://%2Fvar%2Frun%2Fdocker.sock/info
http://%31%32%37.0.0.1/
http://127.0.0.1%2eexample.org/
http://example.org%00.evil.test/
http://-example.org/
http://exa_mple..org/
http://.example.org/
http://1.2.3/
http://example.123/
http://example.0x1f/
""".strip().splitlines()


def test_there_are_enough() -> None:
    assert len(set(NASTY)) >= 60


@pytest.mark.parametrize(
    "url", [*NASTY, "http://example.org/\n", "http://ex\tample.org/", "http://e.org/" + "a" * 3000]
)
def test_nasty_urls_are_refused(url: str) -> None:
    with pytest.raises(Refused):
        target(url, Allowance())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org/a/b?c=d&e=%20f",
        "https://EXAMPLE.org.:443/",
        "http://münchen.example/straße",
        "http://93.184.215.14/",
        "https://[2606:4700:4700::1111]/",
        "https://a-b.c_d.example.co.uk:443/x",
        "https://xn--mnchen-3ya.example/",
    ],
)
def test_public_urls_are_not(url: str) -> None:
    assert target(url, Allowance()).scheme in ("http", "https")


def test_an_operator_can_allow_a_network_and_a_port_and_nothing_else() -> None:
    allowed = Allowance((ip_network("10.1.0.0/16"),), (8080,))
    assert target("http://10.1.2.3:8080/", allowed).host == "10.1.2.3"
    for url in ("http://10.2.0.1:8080/", "http://10.1.2.3/", "http://[::ffff:10.2.0.1]:8080/"):
        with pytest.raises(Refused):
            target(url, allowed)


@given(st.ip_addresses(v=4))
def test_an_ipv6_disguise_opens_no_door(address: object) -> None:
    plain = ip_address(str(address))
    if forbidden(plain, Allowance()):
        for disguise in (f"::ffff:{address}", f"::{address}", f"64:ff9b::{address}"):
            assert forbidden(ip_address(disguise), Allowance())
        tunnel = ip_address((0x2002 << 112) | (int(plain) << 80))
        assert forbidden(tunnel, Allowance())
