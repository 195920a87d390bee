"""Ports for servers that must know their address before they listen on it."""

import errno
import itertools
import os
import socket

# Below what systems hand to outgoing connections (Linux from 32768, others from 49152): a port that is
# offered here is not taken by some connection in the moment before its server starts.
_FIRST, _COUNT = 10_000, 22_000
_SPREAD = 7_919  # a prime: processes with neighbouring ids start far apart

_turns = itertools.count(os.getpid() * _SPREAD)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at `host` and that this process has not offered lately.

    Raises:
        OSError: every one of the range is taken, or `host` is no address of this machine.
    """
    for turn in itertools.islice(_turns, _COUNT):
        port = _FIRST + turn % _COUNT
        if _is_free(host, port):
            return port
    raise OSError(f"no free port at {host} from {_FIRST} to {_FIRST + _COUNT - 1}")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise
            return False
        return True
