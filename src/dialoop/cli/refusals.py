"""Turns an error that no verb has handled into one message and an exit status.

It knows the error tree and the operating system's errors; it does not know the verbs.
"""

from __future__ import annotations

import errno
import shlex
import traceback
from collections.abc import Sequence
from pathlib import Path

from dialoop.errors import DialoopError, is_out_of_memory

REFUSED = 2
DEFECT = 1

_REMEDIES = {
    errno.ENOSPC: ("the disk is full", "free some space and run the same command again; nothing finished is lost"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run the same command again"),
    errno.EROFS: ("the file system is read-only", "name a folder that can be written"),
    errno.EACCES: ("permission denied", "check who may read and write it, or name another path"),
    errno.EPERM: ("not permitted", "check who may read and write it, or name another path"),
    errno.ENOENT: ("no such file or folder", "check the path"),
    errno.EISDIR: ("it is a folder, and a file is needed", "name a file"),
    errno.ENOTDIR: ("a part of the path is a file, and a folder is needed", "check the path"),
    errno.EEXIST: ("it exists already", "name another path"),
    errno.ENAMETOOLONG: ("the name is too long", "name a shorter path"),
    errno.EMFILE: ("too many open files", "raise the limit (ulimit -n) and run again"),
    errno.EADDRINUSE: ("the port is taken", "choose another with --port, or stop what listens there"),
    errno.EADDRNOTAVAIL: ("this machine has no such address", "choose another with --host"),
    errno.ECONNREFUSED: ("nothing listens at that address", "check the address and that its server runs"),
}


def refusal(error: Exception, args: Sequence[str]) -> tuple[str, int]:
    """The message for the person who ran `dialoop args`, and the exit status: 2 refused, 1 a defect."""
    if isinstance(error, DialoopError):
        return str(error), error.exit_status
    if _is_full_disk(error):
        error = OSError(errno.ENOSPC, str(error), getattr(error, "filename", None))
    if is_out_of_memory(error):
        remedy = "close other programs, or ask for less at once: a smaller batch, a shorter window, a smaller base"
        return str(DialoopError("out of memory", remedy=remedy)), REFUSED
    if isinstance(error, OSError) and error.errno is not None:
        what, remedy = _REMEDIES.get(error.errno, (error.strerror or str(error), "see the message above"))
        return str(DialoopError(what, where=_place_of(error), remedy=remedy)), REFUSED
    return _defect(error, args), DEFECT


def traceback_of(error: BaseException) -> str:
    """The traceback as text, for a report."""
    return "".join(traceback.format_exception(error)).rstrip()


def _place_of(error: OSError) -> str | None:
    return None if error.filename is None else str(error.filename)


def _is_full_disk(error: Exception) -> bool:
    """Also as the weight writer tells it: its own exception class with the system's text inside."""
    return getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in str(error)


def _defect(error: Exception, args: Sequence[str]) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    again = shlex.join(["dialoop", "--traceback", *(word for word in args if word != "--traceback")])
    return (
        f"a defect of dialoop, not of what you gave it: {type(error).__name__}: {error}{place}\n"
        f"  what to do: run `{again}` and report what it prints"
    )
