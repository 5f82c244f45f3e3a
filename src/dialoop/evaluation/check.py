"""Everything that `dialoop check` tells of files: what is in them, and how they fit a base; and the verdict.

Knows no terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from dialoop.conversation import Conversation, Example, Fault, Inspection, inspect_files, scan
from dialoop.evaluation.fit_results import Fit
from dialoop.evaluation.progress import Progress, quiet

if TYPE_CHECKING:
    from dialoop.model import Base

Verdict = Literal["fine", "warnings", "faults"]


class Check(BaseModel):
    """What was found. `verdict`: `faults` where something cannot be used, `warnings` where something is doubtful."""

    verdict: Verdict
    inspection: Inspection
    fits: list[Fit]


def check_files(
    paths: Sequence[Path],
    base: Base | None = None,
    *,
    form: str | None = None,
    encoding: str = "utf-8",
    measure: int | None = 1000,
    progress: Progress = quiet,
) -> Check:
    """Inspects the files, and fits what is sound in them to `base` where one is given.

    `measure`: how many conversations have their tokens counted, all if None. Raises SettingsError for an unknown form
    or encoding; bad data becomes findings.
    """
    inspection = inspect_files(paths, form=form, encoding=encoding)
    fits = []
    if base is not None:
        from dialoop.evaluation.fitting import fit, fit_texts  # with torch, which files alone do not need

        sound = partial(_sound, paths, form, encoding)
        if any(file.conversations for file in inspection.files):
            talks = (item for item in sound() if isinstance(item, Conversation))
            fits.append(fit(base, talks, measure=measure, progress=progress))
        if any(file.examples for file in inspection.files):
            texts = (item for item in sound() if isinstance(item, Example))
            fits.append(fit_texts(base, texts, measure=measure))
    return Check(verdict=_verdict(inspection, fits), inspection=inspection, fits=fits)


def _sound(paths: Sequence[Path], form: str | None, encoding: str) -> Iterator[Conversation | Example]:
    """The sound records of all files; faults were told by the inspection."""
    for path in paths:
        for item in scan(path, form=form, encoding=encoding):
            if not isinstance(item, Fault):
                yield item


def _verdict(inspection: Inspection, fits: Sequence[Fit]) -> Verdict:
    untaught = any(file.conversations and not file.targets for file in inspection.files)
    if inspection.errors or untaught or any(one.faults for one in fits):
        return "faults"
    shared = inspection.duplicates_total + inspection.leaks_total + inspection.contradictions_total
    if inspection.faults_total or shared or inspection.notes or any(one.warnings for one in fits):
        return "warnings"
    return "fine"
