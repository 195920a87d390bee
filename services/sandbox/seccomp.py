"""The sandbox's system call filter, assembled as classic BPF so that no library is needed.

What is denied is what containers deny by default, and io_uring, userfaultfd, other namespaces,
reading or writing another process's memory, and every socket family but UNIX and IP.
Layout of `seccomp_data`: u32 number, u32 architecture, u64 instruction pointer, u64 arguments[6].
"""

import errno
import platform
import struct

from services.kit.failure import Unavailable

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENT_0, _ARGUMENT_1 = 0, 4, 16, 24
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW* flag that clone() takes
_SOCKET_FAMILIES = (1, 2, 10)  # UNIX, INET, INET6
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_X32_BIT = 0x40000000

# Numbers that all architectures share.
_DENIED = (*range(425, 434), 438, 440, 442, 443, 447, 467)
_TABLES = {
    "x86_64": {
        "architecture": (0xC000003E,),
        "clone": (56,),
        "clone3": (435,),
        "socket": (41, 53),
        "ioctl": (16,),
        "denied": (
            *(101, 103, 134, 135, 136, 139, 153, 154, 155, 156, 159, 161, 163, 164, 165, 166, 167, 168),
            *(169, 170, 171, 172, 173, 174, 175, 176, 177, 178, 179, 180, 205, 211, 212, 227, 237, 238),
            *(246, 248, 249, 250, 256, 272, 278, 279, 298, 303, 304, 305, 308, 310, 311, 312, 313, 320),
            *(321, 323),
        ),
    },
    "aarch64": {
        "architecture": (0xC00000B7,),
        "clone": (220,),
        "clone3": (435,),
        "socket": (198, 199),
        "ioctl": (29,),
        "denied": (
            *(18, 39, 40, 41, 42, 51, 58, 60, 75, 89, 92, 97, 104, 105, 106, 112, 116, 117, 142, 161, 162),
            *(170, 171, 217, 218, 219, 224, 225, 235, 237, 238, 239, 241, 264, 265, 266, 268, 270, 271),
            *(272, 273, 280, 282, 294),
        ),
    },
}


def filter_program(machine: str | None = None) -> bytes:
    """The filter for this machine, as the kernel's `struct sock_filter[]`.

    Errors: Unavailable on an architecture without a table.
    """
    machine = machine or platform.machine()
    table = _TABLES.get(machine)
    if table is None:
        raise Unavailable(
            f"no system call filter for the architecture {machine}", remedy="use Docker for sandboxes"
        )
    program = [_load(_ARCHITECTURE), _step(_JUMP_EQUAL, table["architecture"][0], 1, 0), _return(_KILL)]
    program += [_load(_NUMBER), _step(_JUMP_AT_LEAST, _X32_BIT, 0, 1), _denied(errno.EPERM)]
    for number in (*table["denied"], *_DENIED):
        program += _when(number, _denied(errno.EPERM))
    program += _when(table["clone3"][0], _denied(errno.ENOSYS))  # its flags cannot be read: use clone
    program += _when(table["clone"][0], _load(_ARGUMENT_0), *_bits(_NEW_NAMESPACES, errno.EPERM))
    for number in table["socket"]:
        program += _when(number, _load(_ARGUMENT_0), *_only(_SOCKET_FAMILIES, errno.EAFNOSUPPORT))
    program += _when(table["ioctl"][0], _load(_ARGUMENT_1), *_none_of(_TERMINAL_INJECTION, errno.EPERM))
    return b"".join([*program, _return(_ALLOW)])


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)


def _load(offset: int) -> bytes:
    return _step(_LOAD, offset)


def _return(action: int) -> bytes:
    return _step(_RETURN, action)


def _denied(error: int) -> bytes:
    return _return(_ERRNO | error)


def _when(number: int, *block: bytes) -> list[bytes]:
    """The block for this system call number; a block always returns."""
    return [_step(_JUMP_EQUAL, number, 0, len(block)), *block]


def _bits(mask: int, error: int) -> list[bytes]:
    return [_step(_JUMP_ANY_BIT, mask, 0, 1), _denied(error), _return(_ALLOW)]


def _only(values: tuple[int, ...], error: int) -> list[bytes]:
    allowed = [part for value in values for part in (_step(_JUMP_EQUAL, value, 0, 1), _return(_ALLOW))]
    return [*allowed, _denied(error)]


def _none_of(values: tuple[int, ...], error: int) -> list[bytes]:
    refused = [part for value in values for part in (_step(_JUMP_EQUAL, value, 0, 1), _denied(error))]
    return [*refused, _return(_ALLOW)]
