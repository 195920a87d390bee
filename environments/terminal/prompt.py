"""What the terminal agent tells the model: system message, bash tool, and how a tool's output reads."""

from typing import Any

SYSTEM_PROMPT = "Solve the task with the bash tool. Reply without a tool call when it is done."

BASH_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command in a persistent shell.",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        },
    },
}


def tool_reply(output: str, exit_code: int) -> str:
    """The text of a tool message: the command's output, then its exit code on a line of its own."""
    body = output if not output or output.endswith("\n") else output + "\n"
    return f"{body}[exit {exit_code}]"
