"""Finds passages for a message in a folder of Markdown files, and keeps its index up to date with them.

Whoever searches gets the best passages above a floor, or none: a message about something else finds nothing. Files are
looked at again at a search, at most once a second. It knows neither agents nor models.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from dialoop.conversation.events import Passage
from dialoop.errors import DataError, SettingsError
from dialoop.knowledge.index import Index, open_index
from dialoop.knowledge.ranking import FLOOR, strength
from dialoop.knowledge.sections import Section, markdown_files, read_file, sections
from dialoop.knowledge.words import terms

LOOKED_AT = 2000
"""Characters of a message that are searched for; what stands behind them is not."""
LOOK_AGAIN = 1.0
"""Seconds between two looks at the files."""
_FORM = "3"
"""Changes whenever the same file would give other sections or terms, so that an index made before is made anew."""
_LOG = logging.getLogger("dialoop.knowledge")


@dataclass(frozen=True)
class Match:
    """A passage, and how well it answers (see `ranking.strength`)."""

    passage: Passage
    strength: float


class Knowledge:
    """The documents of one folder, ready to be searched; made by `open_knowledge`. May be used from any thread."""

    def __init__(
        self, folder: Path, index: Index, *, floor: float = FLOOR, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self._index, self.floor, self._clock = folder, index, floor, clock
        self._collection = str(folder.resolve())
        self._looking = threading.Lock()
        self._seen: dict[str, tuple[int, int]] | None = None
        self._next_look = 0.0
        self._told = ""
        self._closing = ExitStack()

    def __enter__(self) -> Knowledge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the index; one that was made for this process alone is deleted."""
        self._closing.close()

    def search(self, text: str, lang: str | None = None, limit: int = 3) -> list[Passage]:
        """The passages that answer the text, the best first; none where nothing is above the floor.

        With `lang`, those in that language and those whose language cannot be told.
        """
        return [match.passage for match in self.matches(text, lang, limit)]

    def matches(self, text: str, lang: str | None = None, limit: int = 3, *, floor: float | None = None) -> list[Match]:
        """What `search` finds, with how well; `floor` in place of the usual one."""
        self._look_again()
        asked = terms(text[:LOOKED_AT])
        if not asked or limit < 1:
            return []
        found = self._index.find(self._collection, asked, _primary(lang))
        least = self.floor if floor is None else floor
        measured = [(strength(asked, one, found.corpus), one) for one in found.candidates]
        best = sorted(measured, key=lambda pair: (-pair[0], pair[1].source, pair[1].text))[:limit]
        return [Match(Passage(text=one.text, source=one.source), value) for value, one in best if value >= least]

    def refresh(self) -> int:
        """Brings the index up to date with the files at once; gives how many changed.

        Raises DataError for a file that cannot be read, or where none is left; then the index stays as it was.
        """
        with self._looking:
            return self._refresh()

    def _refresh(self) -> int:
        files = markdown_files(self.folder)
        if not files:
            remedy = "put the rules there, or name another"
            raise DataError("there is no Markdown file (*.md)", where=self.folder, remedy=remedy)
        seen = _stamps(files)
        texts: dict[str, str] = {}
        digests = {}
        for name, path in files.items():
            texts[name], digest = read_file(path)
            digests[name] = hashlib.sha256(f"{_FORM} {digest}".encode()).hexdigest()

        def read(name: str) -> list[Section]:
            return sections(texts[name], name)

        changed = self._index.bring_up_to_date(self._collection, digests, read)
        self._seen = seen
        return changed

    def _look_again(self) -> None:
        """Refreshes where a file was changed. One that cannot be read is told in the log; what was read serves on."""
        now = self._clock()
        if now < self._next_look or not self._looking.acquire(blocking=False):
            return
        try:
            self._next_look = now + LOOK_AGAIN
            if _stamps(markdown_files(self.folder)) != self._seen:
                self._refresh()
                self._told = ""
        except DataError as error:
            if str(error) != self._told:
                _LOG.warning("the documents stay as they were read before: %s", error)
                self._told = str(error)
        finally:
            self._looking.release()


def open_knowledge(
    folder: str | Path,
    index: str | Path | None = None,
    *,
    floor: float = FLOOR,
    clock: Callable[[], float] = time.monotonic,
) -> Knowledge:
    """The documents of `folder`, indexed. `index`: a file or postgresql://… that lasts; None: made for this process.

    Raises SettingsError where there is no such folder, DataError for a file that cannot be read or where no Markdown
    file is there, StoreError for an index that cannot be opened.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SettingsError("there is no such folder", where=folder, remedy="name the folder of the Markdown files")
    if not markdown_files(folder):
        raise DataError("there is no Markdown file (*.md)", where=folder, remedy="put the rules there, or name another")
    own = None
    if index is None:
        own = tempfile.TemporaryDirectory(prefix="dialoop-knowledge-")
        index = Path(own.name) / "index.db"
    with ExitStack() as undo:
        if own is not None:
            undo.callback(own.cleanup)
        opened = open_index(index)
        undo.callback(opened.close)
        knowledge = Knowledge(folder, opened, floor=floor, clock=clock)
        knowledge.refresh()
        knowledge._closing = undo.pop_all()
    return knowledge


def _stamps(files: dict[str, Path]) -> dict[str, tuple[int, int]]:
    """Size and time of change of each file; one that went away meanwhile is left out."""
    stamps = {}
    for name, path in files.items():
        try:
            facts = path.stat()
        except FileNotFoundError:
            continue
        stamps[name] = (facts.st_size, facts.st_mtime_ns)
    return stamps


def _primary(lang: str | None) -> str | None:
    """`zh` of `zh-CN`; None where the language is not known."""
    if lang is None or lang == "unstated":
        return None
    return lang.replace("_", "-").split("-")[0].lower()
