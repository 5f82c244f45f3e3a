"""The shelf: a folder with versions of tuned models, one of them current. It does not know how they were made.

shelf/shelf.json            which versions there are, and which is current
shelf/<name>/               a version: a model's folder, as save_model writes it
"""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dialoop.errors import ModelError
from dialoop.model.folder import replace_file, verify, written_whole

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
INDEX = "shelf.json"


class Version(BaseModel):
    """One version: its name, its folder's name below the shelf, when it came (UTC) and figures measured of it."""

    model_config = ConfigDict(extra="forbid")
    name: str
    folder: str
    created: datetime
    fingerprint: str
    metrics: dict[str, Any] = Field(default_factory=dict)


class _Index(BaseModel):
    model_config = ConfigDict(extra="forbid")
    current: str | None = None
    versions: list[Version] = Field(default_factory=list)


class Shelf:
    """The versions below `path`. The folder is made when the first version comes."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def list(self) -> list[Version]:
        """All versions, the oldest first. Raises ModelError for an index that cannot be read."""
        return self._read().versions

    def get(self, name: str) -> Version:
        """The version called `name`. Raises ModelError with the nearest known name."""
        versions = {version.name: version for version in self.list()}
        if name not in versions:
            near = get_close_matches(name, versions, n=1, cutoff=0.0)
            raise ModelError(
                f"no version is called {name!r}",
                where=self.path,
                remedy=f"did you mean {near[0]!r}? known: {', '.join(versions)}" if near else "the shelf is empty",
            )
        return versions[name]

    def folder(self, name: str) -> Path:
        """The folder of the version called `name`."""
        return self.path / self.get(name).folder

    @property
    def current(self) -> Version | None:
        """The version in use; None on an empty shelf."""
        name = self._read().current
        return None if name is None else self.get(name)

    def add(
        self, folder: str | Path, name: str, *, metrics: dict[str, Any] | None = None, make_current: bool = True
    ) -> Version:
        """Copy the model in `folder` onto the shelf as version `name`. Raises ModelError where the name is taken."""
        if not _NAME.fullmatch(name) or name in ("mini", INDEX):
            raise ModelError(f"{name!r} cannot name a version", remedy="use letters, digits, '.', '_' and '-'")
        index = self._read()
        if any(version.name == name for version in index.versions) or (self.path / name).exists():
            raise ModelError(f"a version is called {name!r} already", where=self.path, remedy="choose another name")
        fingerprint = verify(Path(folder))
        with written_whole(self.path / name) as beside:
            shutil.copytree(folder, beside, dirs_exist_ok=True)
        version = Version(
            name=name, folder=name, created=datetime.now(UTC), fingerprint=fingerprint, metrics=metrics or {}
        )
        index.versions.append(version)
        if make_current or index.current is None:
            index.current = name
        self._write(index)
        return version

    def use(self, name: str) -> Version:
        """Make `name` the current version; so a promotion is rolled back."""
        version = self.get(name)
        index = self._read()
        index.current = version.name
        self._write(index)
        return version

    def _read(self) -> _Index:
        path = self.path / INDEX
        if not path.exists():
            return _Index()
        try:
            return _Index.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise ModelError(
                "the shelf's index cannot be read", where=path, remedy="restore it from a backup"
            ) from error

    def _write(self, index: _Index) -> None:
        replace_file(self.path / INDEX, json.dumps(index.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")


def shelf(path: str | Path = "shelf") -> Shelf:
    """The shelf at `path`."""
    return Shelf(path)
