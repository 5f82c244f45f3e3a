"""Text generation: in process, remote (any OpenAI-compatible server), scripted (for tests), and offline in batches.

Importing this room loads no torch; what needs it is loaded when it is named.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dialoop.engine.request import (
    Engine,
    FinishReason,
    Gathered,
    GenerateRequest,
    NamedTool,
    Piece,
    ToolCallDelta,
    ToolChoice,
    Usage,
    gather,
)

if TYPE_CHECKING:
    from dialoop.engine.greedy import generate_greedy

_LOADED_WHEN_NAMED = {
    "generate_greedy": "dialoop.engine.greedy",
}

__all__ = [
    "Engine",
    "FinishReason",
    "Gathered",
    "GenerateRequest",
    "NamedTool",
    "Piece",
    "ToolCallDelta",
    "ToolChoice",
    "Usage",
    "gather",
    "generate_greedy",
]


def __getattr__(name: str) -> Any:
    if name not in _LOADED_WHEN_NAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LOADED_WHEN_NAMED[name]), name)
