"""Ports are offered once, are free, and are not those of outgoing connections."""

import socket

import pytest

from services.kit.ports import free_port


def test_no_port_is_offered_twice() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == 200


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port() + 1))
        assert free_port() != listener.getsockname()[1]


def test_outgoing_connections_do_not_take_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        first = server.getsockname()[1]
    assert free_port() < min(first, 32_768)


def test_an_address_of_another_machine_says_so() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        free_port("192.0.2.1")
