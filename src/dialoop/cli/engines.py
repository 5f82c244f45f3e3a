"""Opens the engine that `serve` and `chat` ask for. It knows names, folders, addresses and keys, no dialogue."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Literal

from dialoop.engine import Engine
from dialoop.errors import ModelError, SettingsError
from dialoop.project import PROJECT_FILE, load_project

Dtype = Literal["auto", "float32", "bfloat16"]
RUNS, SHELF = Path("runs"), "shelf"
_LABELS = "ForSequenceClassification"
"""In the configuration of a model that labels and cannot talk."""


def key_from(variable: str | None) -> str | None:
    """The key in an environment variable, None where none is named. Raises SettingsError if it is not set."""
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise SettingsError(f"the environment variable {variable} holds no key", remedy=f"export {variable}=…")
    return key


def project_shelf() -> Path:
    """The shelf of the working directory's project: `learn.shelf` of its file, else `shelf`."""
    told = load_project(Path(PROJECT_FILE)) if Path(PROJECT_FILE).is_file() else {}
    return Path(told.get("learn", {}).get("shelf", SHELF))


def on_shelf(model: str) -> str:
    """The folder of a version on the project's shelf, where that is another than `shelf`; other names as they are."""
    from dialoop.model import shelf

    path = project_shelf()
    if path == Path(SHELF) or model == "mini" or Path(model).exists():
        return model
    versions = shelf(path)
    return str(versions.folder(model)) if any(one.name == model for one in versions.list()) else model


def newest_run() -> str | None:
    """The newest ended run of the working directory whose model talks; None without any."""
    configs = [config for config in RUNS.glob("*/model/config.json") if _LABELS not in config.read_text("utf-8")]
    newest = max(configs, key=lambda config: config.stat().st_mtime, default=None)
    return None if newest is None else str(newest.parent.parent)


def newest_model() -> str:
    """The same; without any run, the bundled base."""
    return newest_run() or "mini"


def model_in_service() -> str:
    """The version that the project's shelf has in service; without one, the newest run's."""
    from dialoop.model import shelf

    current = shelf(project_shelf()).current
    return newest_model() if current is None else current.name


def served_name(model: str) -> str:
    """What clients call a model: a folder's name (of a run's `model/` the run's); other names as they are."""
    path = Path(model)
    if not path.is_dir():
        return model
    parts = path.resolve().parts
    return parts[-2] if parts[-1] == "model" and len(parts) > 2 else parts[-1]


def open_in_process(
    model: str, *, name: str | None = None, dtype: Dtype = "auto", max_batch: int = 8, max_waiting: int = 64
) -> tuple[Engine, str]:
    """Loads a model and begins to serve it in this process; gives the engine and how it computes, in words."""
    import torch

    from dialoop.engine import InProcessEngine, probe_dtype
    from dialoop.model import load_base

    device = "cuda" if torch.cuda.is_available() else "cpu"
    chosen = probe_dtype(device) if dtype == "auto" else dtype
    base = load_base(on_shelf(model), dtype=chosen, device=device)
    if base.head.kind != "generate":
        raise ModelError(
            f"this model was tuned to {base.head.kind}, not to generate",
            where=base.path,
            remedy="serve a model that was tuned on conversations",
        )
    engine = InProcessEngine(base, name=name or served_name(model), max_batch=max_batch, max_waiting=max_waiting)
    return engine, f"{chosen} on {device}"


def open_remote(url: str, *, key: str | None, model: str | None, name: str | None = None) -> Engine:
    """An engine on another server; without `model` the first one that it lists. Raises EngineError."""
    from dialoop.engine import RemoteEngine

    return RemoteEngine(url, key, model or asyncio.run(_first_offered(url, key)), name=name)


async def _first_offered(url: str, key: str | None) -> str:
    from dialoop.engine import RemoteEngine

    asked = RemoteEngine(url, key)
    try:
        return (await asked.offered())[0]
    finally:
        await asked.close()
