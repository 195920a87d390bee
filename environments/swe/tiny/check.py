"""Runs as `python3 -I -S tests/check.py MODULE`: calls each function in a process of its own, speaks TAP.

Code under test reaches neither this process nor its output, nor what its calls should return: that is read
and removed first, and compared here, once the process has ended.
"""

import ctypes
import json
import subprocess
import sys
from pathlib import Path

_CASES = Path(__file__).with_name("cases.json")
_NOT_DUMPABLE = (4, 0)  # prctl(PR_SET_DUMPABLE, 0): nobody opens our memory
_CALL = """
import sys
sys.path.insert(0, '.')
import {module}
value = {module}.{call}
print(repr(value) if type(value) in (bool, int, str) else 'of another type')
"""


def main(module: str) -> int:
    ctypes.CDLL(None).prctl(*_NOT_DUMPABLE, 0, 0, 0)
    cases = json.loads(_CASES.read_text())
    _CASES.unlink()
    failed = 0
    for number, (name, call, wanted) in enumerate(cases, 1):
        passed = _returned(_CALL.format(module=module, call=call)) == f"{wanted}\n"
        failed += not passed
        sys.stdout.write(f"{'ok' if passed else 'not ok'} {number} - {name}\n")
    return failed


def _returned(program: str) -> str:
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return ran.stdout if ran.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
