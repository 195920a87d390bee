"""An OpenEnv environment's actions as tools of an agent: one for its action model, or its MCP tools."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from environments.message import Tool

_STEP = "step"


class Actions(Protocol):
    """Tools for the model, and the action that a call of one stands for."""

    @property
    def schemas(self) -> list[Tool]: ...

    def action(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent to the server."""


@dataclass(frozen=True)
class StepActions:
    """One tool whose arguments are the action. `model`: the JSON schema of the environment's action."""

    model: Mapping[str, Any]

    @property
    def schemas(self) -> list[Tool]:
        parameters = {
            "type": "object",
            "properties": _without_metadata(self.model.get("properties", {})),
            "required": list(self.model.get("required", ())),
        }
        if "$defs" in self.model:
            parameters["$defs"] = self.model["$defs"]
        return [_tool(_STEP, str(self.model.get("description", "")), parameters)]

    def action(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return dict(arguments)


@dataclass(frozen=True)
class ToolActions:
    """The tools of an environment that offers them itself, as MCP describes them."""

    tools: Sequence[Mapping[str, Any]]

    @property
    def schemas(self) -> list[Tool]:
        return [
            _tool(str(tool["name"]), str(tool.get("description") or ""), _parameters(tool))
            for tool in self.tools
        ]

    def action(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": "call_tool", "tool_name": name, "arguments": dict(arguments)}


def has_tools(model: Mapping[str, Any]) -> bool:
    """Whether an action model is that of tool calls, or says nothing, as environments with tools do."""
    fields = set(_without_metadata(model.get("properties", {})))
    return not fields or "tool_name" in fields


def _without_metadata(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: schema for name, schema in properties.items() if name != "metadata"}


def _parameters(tool: Mapping[str, Any]) -> dict[str, Any]:
    schema = tool.get("inputSchema") or tool.get("input_schema") or {}
    return {"type": "object", "properties": {}, **schema}


def _tool(name: str, description: str, parameters: dict[str, Any]) -> Tool:
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }
