"""The sections of a project file, and the room whose settings each of them holds.

A room is imported only when its section is read, so that a file without a `tune` section loads no torch.
"""

from __future__ import annotations

from pydantic import BaseModel

SECTIONS = ("tune", "evaluate", "serve")
"""Each is named after its verb."""


def section_settings(section: str) -> type[BaseModel]:
    """The settings that the room of `section` declares, each with a default. `section` is one of `SECTIONS`."""
    if section == "tune":
        from dialoop.training import TuneSettings

        return TuneSettings
    if section == "evaluate":
        from dialoop.evaluation import EvaluationSettings

        return EvaluationSettings
    from dialoop.server import ServeSettings

    return ServeSettings
