"""What was found in files of dialogue data, as plain data that can be printed, stored as JSON or drawn.

It knows nothing of how it is found (`inspection`) or shown.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

KEPT = 1000
"""Faults, duplicates and leaks that are kept one by one; beyond it they are counted."""


class Plain(BaseModel):
    """Base of the findings: plain data, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Spread(Plain):
    """How a whole number is spread. `p95`: 95 in a hundred are not above it."""

    count: int
    least: int
    median: int
    mean: float
    p95: int
    most: int


class FoundFault(Plain):
    """A fault as plain data."""

    path: str
    line: int | None
    level: str
    kind: str
    reason: str
    remedy: str
    conversation_id: str | None


class Shared(Plain):
    """Something that two records share.

    `what`: `same` (letter for letter), `near` (but for case, width, spaces and punctuation), `id`, `customer`, or
    `label` (one text with two labels). `value` is the id, customer or pair of labels.
    """

    what: str
    first: str
    second: str
    value: str | None = None


class FileFindings(Plain):
    """What one file holds. Counts are of sound records; `refused` counts errors' records."""

    path: str
    form: str | None = None
    description: str = ""
    encoding: str = "utf-8"
    bytes: int = 0
    conversations: int = 0
    examples: int = 0
    refused: int = 0
    errors: int = 0
    warnings: int = 0
    faults_by_kind: dict[str, int] = {}
    languages: dict[str, int] = {}
    sources: dict[str, int] = {}
    splits: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    customers: int = 0
    roles: dict[str, int] = {}
    targets: int = 0
    target_characters: int = 0
    characters: int = 0
    tool_calls: dict[str, int] = {}
    tools_never_called: list[str] = []
    labels: dict[str, int] = {}
    intents: dict[str, int] = {}
    slots: dict[str, int] = {}
    messages_a_conversation: Spread | None = None
    characters_a_message: dict[str, Spread] = {}
    scores: tuple[float, float] | None = None


class Inspection(Plain):
    """All findings. `*_total` count what `faults`, `duplicates`, `leaks` and `contradictions` hold up to `KEPT` of."""

    files: list[FileFindings]
    faults: list[FoundFault] = []
    faults_total: int = 0
    duplicates: list[Shared] = []
    duplicates_total: int = 0
    leaks: list[Shared] = []
    leaks_total: int = 0
    contradictions: list[Shared] = []
    contradictions_total: int = 0
    notes: list[str] = []

    @property
    def errors(self) -> int:
        """Faults of level error in all files."""
        return sum(file.errors for file in self.files)
