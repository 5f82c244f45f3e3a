"""Ready worlds: data makers, tools, policies and simulated customers. The first is `scenarios.hotel`."""

from dialoop.agent.typed_tools import ToolFunction, call_tool, tool_schema
from dialoop.scenarios.dice import Dice

__all__ = ["Dice", "ToolFunction", "call_tool", "tool_schema"]
