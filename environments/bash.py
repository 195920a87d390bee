"""The bash tool: what the model is told of it, how a call is carried out, and how its output reads."""

from dataclasses import dataclass

from environments.agent import Prompt
from environments.arguments import arguments_of
from environments.message import Tool
from services.sandbox.port import CommandResult, Sandbox

_USAGE_ERROR = 2

PROMPT = Prompt(
    system="Solve the task with the bash tool. Reply without a tool call when it is done.",
    advice="The tool call could not be read. "
    "Call the bash tool with a JSON object that has a text 'command'.",
)

BASH_TOOL: Tool = {
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


@dataclass(frozen=True)
class BashTools:
    """One tool, in one sandbox's shell."""

    sandbox: Sandbox
    timeout_s: float

    @property
    def schemas(self) -> list[Tool]:
        return [BASH_TOOL]

    async def call(self, name: str, arguments: str) -> str:
        """Errors: Failure of the sandbox."""
        try:
            command = command_of(name, arguments)
        except ValueError as error:
            return tool_reply(f"error: {error}", _USAGE_ERROR)
        result = await self.sandbox.run(command, self.timeout_s)
        return tool_reply(_shown(result, self.timeout_s), result.exit_code)


def command_of(name: str, arguments: str) -> str:
    """The command of a call. Errors: ValueError, with a sentence for the model."""
    if name != "bash":
        raise ValueError(f"there is no tool {name[:80]!r}, only bash")
    command = arguments_of(arguments).get("command")
    if not isinstance(command, str):
        raise ValueError("the arguments lack a text 'command'")
    return command


def tool_reply(output: str, exit_code: int) -> str:
    """The text of a tool message: the command's output, then its exit code on a line of its own."""
    body = output if not output or output.endswith("\n") else output + "\n"
    return f"{body}[exit {exit_code}]"


def _shown(result: CommandResult, timeout_s: float) -> str:
    if not result.timed_out:
        return result.output
    gap = "" if not result.output or result.output.endswith("\n") else "\n"
    return f"{result.output}{gap}[stopped after {timeout_s:g} s; the shell was started again]"
