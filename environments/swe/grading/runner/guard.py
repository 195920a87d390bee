"""The one voice of the tests, and who may look into frames or memory.

Both live in an audit hook, which CPython shows to nobody. What the hook calls is C, or ours and gone from
`sys.modules`, and was bound before any code under test ran: nothing of it can be replaced.
"""

import hashlib
import os
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # where this runs, the two files lie alone beside each other
    from environments.swe.grading.runner.trust import Trust

SAY = "podium.say"
BREACHED = 70
_FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_LOOKS = frozenset(
    {
        "sys._getframe",
        "sys._current_frames",
        "sys._current_exceptions",
        "sys.settrace",
        "sys.setprofile",
        "sys.addaudithook",
        "gc.get_objects",
        "gc.get_referrers",
        "gc.get_referents",
    }
)
_LENDERS = ("/inspect.py", "/asyncio/base_tasks.py", "/bdb.py", "/pdb.py", "/threading.py", "/_code/code.py")
_LENT_AT_ONCE = ("/traceback.py", "/logging/__init__.py")
_MEMORY = ("/proc/self", "/proc/thread-self", *(f"/proc/{digit}" for digit in range(10)))


def stand(pipe: int, key: bytes, trusted: "Trust", voices: tuple[CodeType, ...], hooks: CodeType) -> None:
    """From now on `sys.audit(SAY, ...)` speaks, if the first of `voices` calls it for another of them, which
    pytest called (`hooks`). Who looks into frames or memory and was not there before ends the process.
    """
    say, asked, may = _voice(pipe, key), _asked(), _may(trusted)
    leave, frame_at, here = os._exit, sys._getframe, threading.get_ident
    inside: set[int] = set()

    def genuine(frame: FrameType | None) -> bool:
        if frame is None or frame.f_code is not voices[0] or frame.f_back is None:
            return False
        speaker = frame.f_back
        if not any(speaker.f_code is voice for voice in voices[1:]):
            return False
        if speaker.f_code is not voices[-1] and (
            speaker.f_back is None or speaker.f_back.f_code is not hooks
        ):
            return False
        while frame is not None:
            if not trusted(frame.f_code):
                return False
            frame = frame.f_back
        return True

    def hook(event: str, args: tuple[Any, ...]) -> None:
        what = SAY if event == SAY else asked(event, args)
        if what is None or here() in inside:
            return
        inside.add(here())
        try:
            frame = frame_at(1)
            if event == SAY and genuine(frame):
                say(args)
            elif event == SAY or not may(frame, what):
                say(("breach", "looks into frames or memory", f"{what} in {frame.f_code.co_filename}"))
                leave(BREACHED)
        finally:
            inside.discard(here())

    sys.addaudithook(hook)


def _voice(pipe: int, key: bytes) -> Callable[[tuple[Any, ...]], None]:
    """Says words with their number and signature."""
    signer, spoken = hashlib.blake2b(key=key, digest_size=32), 0
    write, show, text, kind = os.write, repr, str, type

    def say(words: tuple[Any, ...]) -> None:
        nonlocal spoken
        body = show([word if kind(word) is text else show(kind(word)) for word in words])
        signature = signer.copy()
        signature.update(f"{spoken} {body}".encode())
        line = f"{signature.hexdigest()} {body}\n".encode()
        while line:
            line = line[write(pipe, line) :]
        spoken += 1

    del key
    return say


def _asked() -> Callable[[str, tuple[Any, ...]], str | None]:
    """The name that is looked up, if it is one that opens frames or memory."""
    frames, looks, memory, text, kind = _FRAMES, _LOOKS, _MEMORY, str, type

    def asked(event: str, args: tuple[Any, ...]) -> str | None:
        if event == "object.__getattr__":
            return str(args[1]) if args[1] in frames else None
        if event == "open":
            return "/proc" if kind(args[0]) is text and args[0].startswith(memory) else None
        if event in looks:
            return event.rpartition(".")[2]
        return "ctypes" if event.startswith("ctypes.") else None

    return asked


def _may(trusted: "Trust") -> Callable[[FrameType, str], bool]:
    """By the code that asks: it was there before, names what it asks for, and does not ask for others."""
    lenders, at_once = _LENDERS, _LENT_AT_ONCE

    def may(frame: FrameType, what: str) -> bool:
        code = frame.f_code
        if what in ("ctypes", "/proc"):
            return _outside(frame, trusted)
        if not trusted(code) or what not in code.co_names:
            return False
        asks = frame.f_back
        if code.co_filename.endswith(lenders):
            while asks is not None and asks.f_code.co_filename == code.co_filename:
                asks = asks.f_back
        elif not code.co_filename.endswith(at_once):
            return True
        return asks is not None and trusted(asks.f_code)

    def _outside(frame: FrameType | None, trusted: "Trust") -> bool:
        """Of a module that is being imported, and of what the standard library asks for somebody."""
        while frame is not None and trusted.library(frame.f_code):
            if frame.f_code.co_filename.startswith("<frozen importlib"):
                return True
            frame = frame.f_back
        return frame is None or trusted(frame.f_code)

    return may
