"""Logs are one JSON object a line, and no secret is in them."""

import json
import subprocess
import sys
from typing import Any

PROGRAM = """
import structlog
from services.kit.log import configure_log
configure_log("gateway", "INFO")
log = structlog.get_logger()
log.debug("too quiet")
log.info("dispatched", rollout_id="r1", api_key="HUSH", request={"headers": {"Authorization": "HUSH"}})
try:
    secret = "HUSH"
    raise ValueError("bad turn")
except ValueError:
    log.exception("failed", token="HUSH")
"""


def test_lines_are_json_without_secrets() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30)
    assert done.stdout == ""
    assert "HUSH" not in done.stderr
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["dispatched", "failed"]
    assert {line["process"] for line in lines} == {"gateway"}
    assert lines[0]["api_key"] == "***"
    assert lines[0]["rollout_id"] == "r1"
    assert lines[1]["exception"][0]["exc_value"] == "bad turn"
