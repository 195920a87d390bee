"""The builders of task families, as commands: their options and their status are the builder's own."""

import subprocess
import sys


def podium(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_swe_build() -> None:
    refused = podium("swe", "build", "--source", "/nowhere.tar.gz", "--out", "/nowhere/train.jsonl")
    assert refused.returncode == 1
    assert "/nowhere.tar.gz is no archive of sources" in refused.stderr


def test_search_build() -> None:
    told = podium("search", "build", "--help")
    assert (told.returncode, "--corpus" in told.stdout) == (0, True)
