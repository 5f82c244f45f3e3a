"""The error tree. A user of the command line or of HTTP sees these and never a traceback.

    DialoopError                 base; exit status 2
    ├── DataError                a file or record that cannot be used; carries file and line
    ├── SettingsError            an option, project file or recipe that cannot be used
    ├── ModelError               a base, checkpoint or tokenizer that cannot be loaded or trusted
    ├── RunError                 a run's folder that cannot be written, resumed or read
    ├── StoreError               a store of conversations that cannot be opened, read or written
    │   └── LeaseLost            a worker that no longer holds its conversation; it must stop
    ├── DeskError                what a person asked of a conversation, and cannot be; carries a code
    └── RequestError             a request to an engine or server that is refused; carries an HTTP status
        └── EngineError          the engine, not the caller, failed

It knows no other room.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where in a file something stands: the path and, where known, the line (from 1)."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"


class DialoopError(Exception):
    """What happened, where, and what to do next."""

    exit_status = 2

    def __init__(self, what: str, *, where: Place | Path | str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where if isinstance(where, Place | None) else Place(str(where))
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f"\n  what to do: {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{remedy}"


class DataError(DialoopError):
    """A file or record that cannot be used as it is."""


class SettingsError(DialoopError):
    """An option, project file or recipe that cannot be used as it is."""


class ModelError(DialoopError):
    """A base, checkpoint or tokenizer that cannot be loaded or must not be trusted."""


class RunError(DialoopError):
    """A run's folder that cannot be written, resumed or read."""


class StoreError(DialoopError):
    """A store of conversations that cannot be opened, read or written."""


class LeaseLost(StoreError):
    """The worker no longer holds the conversation: another one does, or will. It must stop and read the log anew."""


class DeskError(DialoopError):
    """What a person at the desk, or a customer, asked of a conversation cannot be done as it stands.

    `code` says why in one word: unknown, erased, closed, taken (by another operator), not_taken, busy, no_answer,
    no_call, decided (the call was approved, refused or made before), no_text, no_name.
    """

    def __init__(self, what: str, *, code: str, where: Place | Path | str | None = None, remedy: str) -> None:
        self.code = code
        super().__init__(what, where=where, remedy=remedy)


class RequestError(DialoopError):
    """A request that an engine or server refuses.

    `status` is the HTTP status (400–599), `code` the short machine-readable code of OpenAI's error form and
    `param` the name of the field at fault.
    """

    def __init__(
        self,
        what: str,
        *,
        status: int = 400,
        code: str = "invalid_request",
        param: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.param = param
        super().__init__(what, remedy=remedy)


class EngineError(RequestError):
    """The engine failed; the request was sound."""

    def __init__(self, what: str, *, status: int = 502, code: str = "engine_error", remedy: str | None = None) -> None:
        super().__init__(what, status=status, code=code, remedy=remedy)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was no memory: Python's, a GPU's, or torch's own on a processor."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
    )
