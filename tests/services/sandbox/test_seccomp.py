"""The system call filter, read by a small interpreter of classic BPF."""

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.failure import Unavailable
from services.sandbox.seccomp import filter_program

ALLOW, KILL = 0x7FFF0000, 0x80000000
X86, ARM = 0xC000003E, 0xC00000B7


def verdict(program: bytes, number: int, architecture: int = X86, *arguments: int) -> int:
    """What the kernel would do with this call."""
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("<IIQ6Q", number, architecture, 0, *padded)
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, operand = steps[at]
        at += 1
        match code:
            case 0x06:
                return int(operand)
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
            case 0x15:
                at += if_true if accumulator == operand else if_false
            case 0x35:
                at += if_true if accumulator >= operand else if_false
            case 0x45:
                at += if_true if accumulator & operand else if_false


def denied(error: int) -> int:
    return 0x00050000 | error


@pytest.mark.parametrize("number", [0, 1, 2, 9, 59, 60, 231, 257])
def test_ordinary_calls_pass(number: int) -> None:
    assert verdict(filter_program("x86_64"), number) == ALLOW


@pytest.mark.parametrize(("machine", "architecture", "mount"), [("x86_64", X86, 165), ("aarch64", ARM, 40)])
def test_each_architecture_has_its_own_numbers(machine: str, architecture: int, mount: int) -> None:
    assert verdict(filter_program(machine), mount, architecture) == denied(errno.EPERM)


@given(st.integers(0, 2**32 - 1))
def test_another_architecture_is_killed(number: int) -> None:
    assert verdict(filter_program("x86_64"), number, 0x40000003) == KILL


@given(st.integers(0x40000000, 2**32 - 1))
def test_numbers_of_the_x32_interface_are_denied(number: int) -> None:
    assert verdict(filter_program("x86_64"), number) == denied(errno.EPERM)


@given(st.integers(0, 2**32 - 1))
def test_only_unix_and_internet_sockets(family: int) -> None:
    expected = ALLOW if family in (1, 2, 10) else denied(errno.EAFNOSUPPORT)
    assert verdict(filter_program("x86_64"), 41, X86, family) == expected


@given(st.integers(0, 2**32 - 1))
def test_clone_makes_no_namespace(flags: int) -> None:
    expected = denied(errno.EPERM) if flags & 0x7E020000 else ALLOW
    assert verdict(filter_program("x86_64"), 56, X86, flags) == expected


@given(st.integers(0, 2**32 - 1))
def test_terminals_take_no_injected_input(request_number: int) -> None:
    expected = denied(errno.EPERM) if request_number in (0x5412, 0x541C) else ALLOW
    assert verdict(filter_program("x86_64"), 16, X86, 0, request_number) == expected


def test_an_unknown_architecture_has_no_sandbox() -> None:
    with pytest.raises(Unavailable, match="riscv64"):
        filter_program("riscv64")
