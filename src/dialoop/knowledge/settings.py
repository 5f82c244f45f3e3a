"""What can be set about knowledge: the section `knowledge` of a project file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class KnowledgeSettings(BaseModel):
    """Where the documents are, and how many passages an answer is given. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    folder: str = Field(default="data/rules", description="Folder of the Markdown files that are searched.")
    limit: int = Field(default=3, ge=1, le=20, description="Passages that an answer is given at most.")
    index: str | None = Field(
        default=None, description="Where the index lasts: a file or postgresql://…; unset: made at each start."
    )
