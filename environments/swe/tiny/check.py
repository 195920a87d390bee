"""Runs as `python3 -I -S tests/check.py CASES`: calls each function in a process of its own, speaks TAP.

Code under test reaches neither this process nor its output: what it prints is only compared.
"""

import json
import subprocess
import sys

_CALL = "import sys; sys.path.insert(0, '.'); import {module}; print(repr({module}.{call}))"


def main(module: str, cases: list[list[str]]) -> int:
    failed = 0
    for number, (name, call, wanted) in enumerate(cases, 1):
        passed = _returned(_CALL.format(module=module, call=call)) == f"{wanted}\n"
        failed += not passed
        sys.stdout.write(f"{'ok' if passed else 'not ok'} {number} - {name}\n")
    return failed


def _returned(program: str) -> str:
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return ran.stdout if ran.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], json.loads(sys.argv[2])))
