"""What a run on labelled texts learnt from and what it held out, read again from its data. It knows runs, no models."""

from __future__ import annotations

from pathlib import Path

from dialoop.conversation import Example, Split
from dialoop.errors import DataError, RunError
from dialoop.training.material import part, read_records
from dialoop.training.run_folder import RunFolder


def run_of(model: Path) -> Path | None:
    """The run that a model's folder belongs to; None for a version on the shelf, or a base."""
    return model.parent if RunFolder(model.parent).settings.is_file() else None


def texts_of(run: Path) -> Split[Example]:
    """The texts of a run, as it parted them. Raises RunError where the data has changed, DataError for logs."""
    folder = RunFolder(run)
    job = folder.job()
    records = read_records(Path(job.data))
    known = folder.read("data.json").get("files", [{}])[0].get("sha256", records.sha256)
    if known != records.sha256:
        raise RunError("the data has changed since the run began", where=job.data, remedy="tune anew")
    if not records.examples:
        raise DataError("intents are fitted on labelled texts", where=job.data, remedy="give a run on labelled texts")
    split, _ = part(records, job.tune.held_out, job.tune.seed)
    return split
