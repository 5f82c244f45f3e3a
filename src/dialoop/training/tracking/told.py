"""What trackers are told of a run's settings: plain values, no path and nothing of the data but its hash and size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialoop.training.tracking.tracker import Plain

if TYPE_CHECKING:
    from dialoop.training.preparing import Prepared

_NOT_TOLD = ("track", "why", "positions", "threads")
"""What says nothing of how a run learns."""


def settings_of(prepared: Prepared) -> dict[str, Plain]:
    """Settings of a run of tuning, what they left open as it was decided."""
    job, files = prepared.job, prepared.facts["files"]
    values: dict[str, Any] = {
        "base": named(job.base),
        **job.tune.model_dump(mode="json"),
        **asdict(prepared.chosen),
        "head": prepared.base.head.kind,
        "labels": len(prepared.base.head.labels) or None,
        "data_sha256": files[0]["sha256"],
        "records": prepared.train.counts.records,
        "held_out_records": prepared.held_out.counts.records,
    }
    if job.tune.held_out is not None:
        values["held_out"] = named(job.tune.held_out)
    return flat({name: value for name, value in values.items() if name not in _NOT_TOLD})


def named(name_or_path: str) -> str:
    """A hub's name or a number as it is; of a path its last part alone, which tells nothing of a machine."""
    path = Path(name_or_path)
    return path.name if path.exists() or path.is_absolute() else name_or_path


def flat(values: Mapping[str, Any], within: str = "") -> dict[str, Plain]:
    """Nested values as `outer.inner`, lists as JSON; what is unset is left out."""
    found: dict[str, Plain] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{within}{name}.")
        elif value is not None:
            found[within + name] = value if isinstance(value, str | int | float) else json.dumps(value)
    return found
