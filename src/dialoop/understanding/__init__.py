"""Understanding: the intent of a message, how sure of it, and whether the message is out of scope at all.

    fit("runs/intents-mini")                                         # after dialoop tune data/intents.jsonl
    understander = Understander.load("runs/intents-mini/model")
    understander.understand("Can I still cancel?").intents           # {"cancel": 0.97, "change": 0.02, …}

`Understander.understand` is what an agent takes as its `understand`. torch is loaded when it is needed, not with the
room: a model that was converted to ONNX is read without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialoop.conversation import OUT_OF_SCOPE
from dialoop.understanding.examples import labelled
from dialoop.understanding.result import Understanding

if TYPE_CHECKING:
    from dialoop.understanding.calibration import Calibration
    from dialoop.understanding.conversion import Conversion
    from dialoop.understanding.converted import Converted
    from dialoop.understanding.converting import convert
    from dialoop.understanding.fitting import fit, fit_model
    from dialoop.understanding.understander import Understander

_LOADED_WHEN_NAMED = {
    "Calibration": "calibration",
    "Conversion": "conversion",
    "Converted": "converted",
    "convert": "converting",
    "Understander": "understander",
    "fit": "fitting",
    "fit_model": "fitting",
}

__all__ = [
    "OUT_OF_SCOPE",
    "Calibration",
    "Conversion",
    "Converted",
    "Understander",
    "Understanding",
    "convert",
    "fit",
    "fit_model",
    "labelled",
]


def __getattr__(name: str) -> Any:
    if name in _LOADED_WHEN_NAMED:
        return getattr(import_module(f"dialoop.understanding.{_LOADED_WHEN_NAMED[name]}"), name)
    raise AttributeError(f"module 'dialoop.understanding' has no attribute {name!r}")
