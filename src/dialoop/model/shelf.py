"""The shelf: a folder with versions of tuned models, one of them in service, and who changed that, when and why.

shelf/shelf.json            which versions there are, which is current, and every change of that
shelf/<name>/               a version: a model's folder, as save_model writes it

What is current changes in one step (a file renamed over another), so a server that asks between two turns sees the one
or the other; asking costs a look at the file's time. It does not know how versions were made, and loads no torch.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from types import EllipsisType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dialoop.errors import ModelError
from dialoop.model.folder import MANIFEST, locked, replace_file, verify, written_whole

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
INDEX = "shelf.json"
ROUNDS = "rounds"
"""The folder below a shelf where rounds of learning keep their records; no version can be called so."""
_RESERVED = ("mini", INDEX, ROUNDS)


class ServiceChanged(ModelError):
    """Another version is in service than was expected, so nothing was changed."""


class Version(BaseModel):
    """One version: its name, its folder's name below the shelf, when it came (UTC) and figures measured of it."""

    model_config = ConfigDict(extra="forbid")
    name: str
    folder: str
    created: datetime
    fingerprint: str
    metrics: dict[str, Any] = Field(default_factory=dict)


class Change(BaseModel):
    """What was done with a version, by whom and why. `former` was in service before it, if any was."""

    model_config = ConfigDict(extra="forbid")
    at: datetime
    action: Literal["added", "promoted", "refused", "rolled_back"]
    version: str
    former: str | None = None
    by: str = ""
    why: str = ""


class _Index(BaseModel):
    model_config = ConfigDict(extra="forbid")
    current: str | None = None
    versions: list[Version] = Field(default_factory=list)
    history: list[Change] = Field(default_factory=list)


class Shelf:
    """The versions below `path`. The folder is made when the first version comes. May be asked from any thread."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._seen: tuple[tuple[int, int, int], _Index] | None = None

    def history(self) -> list[Change]:
        """Every change, the oldest first."""
        return list(self._read().history)

    def list(self) -> list[Version]:
        """All versions, the oldest first. Raises ModelError for an index that cannot be read."""
        return list(self._read().versions)

    def get(self, name: str) -> Version:
        """The version called `name`. Raises ModelError with the nearest known name."""
        return self._of(self._read(), name)

    def folder(self, name: str) -> Path:
        """The folder of the version called `name`."""
        return self.path / self.get(name).folder

    @property
    def current(self) -> Version | None:
        """The version in service; None where none is. Cheap: the index is read again only when its file changed."""
        index = self._read()
        return None if index.current is None else self._of(index, index.current)

    def add(
        self,
        folder: str | Path,
        name: str,
        *,
        metrics: dict[str, Any] | None = None,
        make_current: bool = True,
        by: str = "",
        why: str = "",
    ) -> Version:
        """Copy the model in `folder` onto the shelf as version `name`.

        A folder that a crash left there, before the index knew of it, is replaced. Raises ModelError where the name is
        taken or the model is torn, and then nothing has changed.
        """
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise ModelError(f"{name!r} cannot name a version", remedy="use letters, digits, '.', '_' and '-'")
        with self._changing() as index:
            if any(version.name == name for version in index.versions) or _is_taken(self.path / name):
                raise ModelError(f"a version is called {name!r} already", where=self.path, remedy="choose another name")
            fingerprint = verify(Path(folder))
            with written_whole(self.path / name) as beside:
                shutil.copytree(folder, beside, dirs_exist_ok=True)
            version = Version(
                name=name, folder=name, created=datetime.now(UTC), fingerprint=fingerprint, metrics=metrics or {}
            )
            index.versions.append(version)
            _note(index, "promoted" if make_current else "added", name, by, why)
        return version

    def promote(
        self,
        name: str,
        *,
        by: str = "",
        why: str = "",
        anyway: bool = False,
        expected: str | EllipsisType | None = ...,
    ) -> Version:
        """Put the version called `name` into service; nothing happens where it is.

        `expected`: the version in service that it shall follow (None: no version), where that matters. Raises
        ModelError, and then nothing has changed: its files are torn, or it was refused and `anyway` is not said;
        ServiceChanged where another one than `expected` is in service.
        """
        with self._changing() as index:
            version = self._sound(index, name)
            if expected is not ... and index.current not in (expected, name):
                what = f"{index.current or 'no version'} is in service, and {expected or 'no version'} was expected"
                raise ServiceChanged(what, where=self.path, remedy="look at it: dialoop shelf")
            judged = next((one for one in reversed(index.history) if one.version == name), None)
            if judged is not None and judged.action == "refused" and not anyway:
                remedy = "read why; if it shall serve all the same, promote it with --anyway"
                raise ModelError(f"{name!r} was refused: {judged.why}", where=self.path, remedy=remedy)
            if index.current != name:
                _note(index, "promoted", name, by, why)
        return version

    def refuse(self, name: str, *, by: str = "", why: str = "") -> None:
        """Note that the version shall not serve. Raises ModelError where it does."""
        with self._changing() as index:
            if self._of(index, name).name == index.current:
                raise ModelError(f"{name!r} is in service", where=self.path, remedy="roll back first")
            _note(index, "refused", name, by, why)

    def roll_back(self, *, by: str = "", why: str = "") -> Version:
        """Put back what was in service before the last promotion that still stands; asked again, what was before that.

        Raises ModelError where nothing was, or where its files are torn; then nothing has changed.
        """
        with self._changing() as index:
            before = _before(index.history)
            if not before:
                remedy = "put another version into service with `dialoop shelf promote NAME`"
                raise ModelError("no version was in service before this one", where=self.path, remedy=remedy)
            version = self._sound(index, before[-1])
            _note(index, "rolled_back", version.name, by, why)
        return version

    def _sound(self, index: _Index, name: str) -> Version:
        """The version, if its weights are those that were put on the shelf."""
        version = self._of(index, name)
        folder = self.path / version.folder
        if verify(folder) != version.fingerprint:
            raise ModelError("its weights are not those that were added", where=folder, remedy="take another version")
        return version

    def _of(self, index: _Index, name: str) -> Version:
        versions = {version.name: version for version in index.versions}
        if name not in versions:
            near = get_close_matches(name, versions, n=1, cutoff=0.0)
            raise ModelError(
                f"no version is called {name!r}",
                where=self.path,
                remedy=f"did you mean {near[0]!r}? known: {', '.join(versions)}" if near else "the shelf is empty",
            )
        return versions[name]

    @contextmanager
    def _changing(self) -> Iterator[_Index]:
        """The index to change, held against other processes; written when the block ends without an error."""
        with locked(self.path / ".lock"):
            index = self._read().model_copy(deep=True)
            yield index
            text = json.dumps(index.model_dump(mode="json"), indent=2, ensure_ascii=False)
            replace_file(self.path / INDEX, text + "\n")

    def _read(self) -> _Index:
        path = self.path / INDEX
        try:
            found = path.stat()
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            if self._seen is None or self._seen[0] != stamp:
                self._seen = stamp, _Index.model_validate_json(path.read_text(encoding="utf-8"))
            return self._seen[1]
        except FileNotFoundError:
            return _Index()
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise ModelError(
                "the shelf's index cannot be read", where=path, remedy="restore it from a backup"
            ) from error


def shelf(path: str | Path = "shelf") -> Shelf:
    """The shelf at `path`."""
    return Shelf(path)


def _is_taken(path: Path) -> bool:
    """Whether something stands there that is no model's folder as this shelf writes it."""
    return path.exists() and not (path / MANIFEST).is_file()


def _note(
    index: _Index, action: Literal["added", "promoted", "refused", "rolled_back"], name: str, by: str, why: str
) -> None:
    index.history.append(
        Change(at=datetime.now(UTC), action=action, version=name, former=index.current, by=by, why=why)
    )
    if action in ("promoted", "rolled_back"):
        index.current = name


def _before(history: list[Change]) -> list[str]:
    """What was in service before each promotion that still stands, the last at the end."""
    before: list[str | None] = []
    for change in history:
        if change.action == "promoted":
            before.append(change.former)
        elif change.action == "rolled_back" and before:
            before.pop()
    return [name for name in before if name is not None]
