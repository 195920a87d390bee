"""Starts the tests in a process of its own, collects what that says, and prints one signed report.

Runs as `python3 -I parent.py` in the grading sandbox. The key lies in a file that is gone before any
code under test runs. A test passed if setup, call and teardown each said so: what is not said, failed.
"""

import ast
import ctypes
import hashlib
import hmac
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
_NOT_DUMPABLE = (4, 0)  # prctl(PR_SET_DUMPABLE, 0): the tests cannot open our descriptors or memory
_TAIL = 4000
_LONGEST = 64 * 1024 * 1024


def main() -> None:
    ctypes.CDLL(None).prctl(*_NOT_DUMPABLE, 0, 0, 0)
    key = _taken(_HERE / "key")
    plan = json.loads(_taken(_HERE / "plan.json"))
    report = _run(plan, key)
    body = json.dumps(report)
    sys.stdout.write(f"\n{_sign(key, body)} {body}\n")


def _run(plan: dict[str, Any], key: bytes) -> dict[str, Any]:
    words_in, words_out = os.pipe()
    child_key = secrets.token_hex(32)
    with (_HERE / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(_HERE / "child.py"), str(words_out)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(words_out,),
            start_new_session=True,
        )
        os.close(words_out)
        assert child.stdin is not None
        child.stdin.write(json.dumps({**plan, "key": child_key}).encode())
        child.stdin.close()
        said, timed_out = _listen(words_in, time.monotonic() + plan["timeout_s"])
        exit_code = _ended(child)
    events, forged = _genuine(said, child_key.encode())
    tail = (_HERE / "log").read_bytes()[-_TAIL:].decode(errors="replace")
    return {"events": events, "forged": forged, "exit": exit_code, "timed_out": timed_out, "tail": tail}


def _listen(pipe: int, until: float) -> tuple[bytes, bool]:
    """All that is said until the tests end or their time is up."""
    said = bytearray()
    while (left := until - time.monotonic()) > 0 and len(said) < _LONGEST:
        if not select.select([pipe], [], [], left)[0]:
            break
        data = os.read(pipe, 65536)
        if not data:
            return bytes(said), False
        said += data
    return bytes(said), True


def _ended(child: "subprocess.Popen[bytes]") -> int:
    try:
        child.wait(2.0)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


def _genuine(said: bytes, key: bytes) -> tuple[list[Any], int]:
    """What was signed, in order and without gaps: each word's signature covers its number."""
    events: list[Any] = []
    forged = 0
    for line in said.splitlines():
        signature, _, body = line.decode(errors="replace").partition(" ")
        if hmac.compare_digest(signature.encode(), _spoken(key, f"{len(events)} {body}").encode()):
            events.append(ast.literal_eval(body))
        else:
            forged += 1
    return events, forged


def _sign(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _spoken(key: bytes, text: str) -> str:
    return hashlib.blake2b(text.encode(), key=key, digest_size=32).hexdigest()


def _taken(path: Path) -> bytes:
    data = path.read_bytes()
    path.unlink()
    return data


if __name__ == "__main__":
    main()
