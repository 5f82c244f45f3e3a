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
from dialoop.engine.scripted import ScriptedEngine

if TYPE_CHECKING:
    from dialoop.engine.greedy import generate_greedy
    from dialoop.engine.guide import Guide
    from dialoop.engine.held import can_hold
    from dialoop.engine.in_process import InProcessEngine
    from dialoop.engine.precision import probe_dtype
    from dialoop.engine.remote import RemoteEngine

_LOADED_WHEN_NAMED = {
    "InProcessEngine": "dialoop.engine.in_process",
    "RemoteEngine": "dialoop.engine.remote",
    "probe_dtype": "dialoop.engine.precision",
    "can_hold": "dialoop.engine.held",
    "generate_greedy": "dialoop.engine.greedy",
    "Guide": "dialoop.engine.guide",
}

__all__ = [
    "Engine",
    "FinishReason",
    "Gathered",
    "GenerateRequest",
    "Guide",
    "InProcessEngine",
    "NamedTool",
    "Piece",
    "RemoteEngine",
    "ScriptedEngine",
    "ToolCallDelta",
    "ToolChoice",
    "Usage",
    "can_hold",
    "gather",
    "generate_greedy",
    "probe_dtype",
]


def __getattr__(name: str) -> Any:
    if name not in _LOADED_WHEN_NAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LOADED_WHEN_NAMED[name]), name)
