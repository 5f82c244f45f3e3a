"""The sections of a project file, and the room whose settings each of them holds.

A room is imported only when its section is read, so that a file without a `tune` section loads no torch.
"""

from __future__ import annotations

from pydantic import BaseModel

SECTIONS = ("tune", "search", "evaluate", "serve", "learn", "knowledge")
"""Each is named after its verb, or after its room where no verb reads it."""


def section_settings(section: str) -> type[BaseModel]:
    """The settings that the room of `section` declares, each with a default. `section` is one of `SECTIONS`."""
    if section == "tune":
        from dialoop.training import TuneSettings

        return TuneSettings
    if section == "search":
        from dialoop.training.search import SearchSettings

        return SearchSettings
    if section == "evaluate":
        from dialoop.evaluation import EvaluationSettings

        return EvaluationSettings
    if section == "learn":
        from dialoop.learning import LearnSettings

        return LearnSettings
    if section == "knowledge":
        from dialoop.knowledge import KnowledgeSettings

        return KnowledgeSettings
    from dialoop.server import ServeSettings

    return ServeSettings
