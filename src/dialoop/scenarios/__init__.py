"""Ready worlds: data makers, tools, policies and simulated customers. The first is `scenarios.hotel`."""

from dialoop.scenarios.dice import Dice
from dialoop.scenarios.typed_tools import ToolFunction, call_tool, tool_schema

__all__ = ["Dice", "ToolFunction", "call_tool", "tool_schema"]
