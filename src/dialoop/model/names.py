"""Finds the folder of a model by what a person calls it. It opens no weights."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from dialoop.errors import ModelError
from dialoop.model.folder import ADAPTER_CONFIG
from dialoop.model.shelf import shelf as open_shelf

MINI = "mini"
WELL_KNOWN = ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B", "HuggingFaceTB/SmolLM2-135M-Instruct", "openai-community/gpt2")
"""Bases that are known to work; offered where a name is near one of them."""

_WANTED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "README.md")
"""The files that are fetched from a hub: no pickles, no code; its card tells the licence."""
_UNWANTED = ("consolidated*.safetensors",)
"""Mistral's own form of the weights, which transformers does not read: the same weights once more."""


def resolve_model(name_or_path: str | Path, *, shelf: str | Path = "shelf") -> Path:
    """The folder of "mini", of a model's folder, of a run's (its `model/`), of a version on the shelf or of a hub name.

    A hub name is fetched, safetensors only. Raises ModelError with the nearest known names where there is none such.
    """
    name = str(name_or_path)
    if name == MINI:
        return _mini()
    path = Path(name_or_path)
    if path.is_dir():
        return _within(path)
    if path.is_file():
        raise ModelError("this is a file; a model is a folder", where=path, remedy=f"try {path.parent}")
    on_shelf = open_shelf(shelf)
    if any(version.name == name for version in on_shelf.list()):
        return on_shelf.folder(name)
    if path.is_absolute() or name.startswith((".", "~")) or len(path.parts) > 2 or not name:
        raise ModelError(f"there is no folder {name!r}", remedy=_nearest(name, path, shelf))
    return _fetched(name, _nearest(name, path, shelf))


def _mini() -> Path:
    folder = Path(str(files("dialoop.model").joinpath("mini")))
    if not (folder / "config.json").is_file():
        raise ModelError("the bundled base is not in this installation", where=folder, remedy="install dialoop again")
    return folder


def _within(path: Path) -> Path:
    for folder in (path, path / "model"):
        if any((folder / name).is_file() for name in ("config.json", ADAPTER_CONFIG)):
            return folder
    raise ModelError(
        "this folder holds no model: neither config.json nor model/config.json",
        where=path,
        remedy="name a model's folder, or the folder of a run that has ended",
    )


def _nearest(name: str, path: Path, shelf: str | Path) -> str:
    around = path.parent if path.parent.is_dir() else Path()
    prefix = "" if around == Path() else f"{around}/"
    folders = [f"{prefix}{folder.name}" for folder in sorted(around.iterdir()) if _holds_model(folder)]
    known = [MINI, *(version.name for version in open_shelf(shelf).list()), *folders, *WELL_KNOWN]
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    listed = ", ".join(near or known[:6])
    return f"did you mean {listed}?" if near else f"known here: {listed}"


def _holds_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() or (folder / "model" / "config.json").is_file()


def _fetched(name: str, nearest: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(_WANTED), ignore_patterns=list(_UNWANTED)))
    except HFValidationError as error:
        raise ModelError(f"{name!r} is neither a folder nor a hub's name", remedy=nearest) from error
    except LocalEntryNotFoundError as error:
        raise ModelError(f"{name!r} is not here, and the hub cannot be reached", remedy=nearest) from error
    except (HfHubHTTPError, OSError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"there is no base {name!r}, nor can it be fetched: {first}", remedy=nearest) from error
