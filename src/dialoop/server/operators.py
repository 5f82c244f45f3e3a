"""Who may sit at the desk: names and passwords in a file, and the sessions of those who have signed in.

Passwords are kept as scrypt digests (RFC 7914; N 2^15, r 8, p 1) with a salt each. Sessions live in this process:
after a restart people sign in again. One ends where its operator is taken out of the file or given another password.
Without a file anybody on this machine may take any name. It knows no HTTP.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dialoop.errors import DataError, SettingsError

log = logging.getLogger(__name__)
SESSION = 12 * 3600
"""Seconds that a session lasts."""
SHORTEST = 8
"""Characters of a password."""
_COST = (2**15, 8, 1)
_MOST_SESSIONS = 1000


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    operators: dict[str, str] = {}


@dataclass(frozen=True)
class _Session:
    """`kept`: the password's digest as it stood in the file; `until`: seconds of the monotonic clock."""

    name: str
    kept: str | None
    until: float


class Operators:
    """The operators in a file. Without one, every name is good and no password is asked for."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises SettingsError for a file that cannot be read or that names nobody."""
        self._path = path
        self._sessions: dict[bytes, _Session] = {}
        self._read: tuple[tuple[int, ...], dict[str, str]] = ((), {})
        if path is not None and not _read(path).operators:
            remedy = "add one: dialoop operator NAME"
            raise SettingsError("nobody may sign in at the desk: no operators", where=path, remedy=remedy)

    @property
    def ask_for_password(self) -> bool:
        """Whether a password is asked for."""
        return self._path is not None

    def sign_in(self, name: str, password: str) -> str | None:
        """The secret of a new session; None where name and password do not belong together. Takes a tenth second."""
        kept = None
        if self._path is not None:
            kept = _read(self._path).operators.get(name)
            if not (_matches(password, kept or _NOBODY) and kept is not None):
                return None
        secret = secrets.token_urlsafe(32)
        if len(self._sessions) >= _MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[_digest(secret)] = _Session(name, kept, time.monotonic() + SESSION)
        return secret

    def operator(self, secret: str) -> str | None:
        """Whose session it is; None where it is nobody's or has ended, or while the file cannot be read.

        It has ended after `SESSION`, and for good where its operator or the password is no longer in the file.
        """
        session = self._sessions.get(_digest(secret))
        if session is None:
            return None
        known = self._known()
        if known is None:
            return None
        if time.monotonic() >= session.until or known.get(session.name) != session.kept:
            self._sessions.pop(_digest(secret), None)
            return None
        return session.name

    def sign_out(self, secret: str) -> None:
        """Ends the session."""
        self._sessions.pop(_digest(secret), None)

    def _known(self) -> dict[str, str] | None:
        """The digests in the file by name, read again where it changed; empty without a file, None for a broken one."""
        if self._path is None:
            return {}
        try:
            now = self._path.stat()
            stamp = (now.st_mtime_ns, now.st_size, now.st_ino)
            if stamp != self._read[0]:
                self._read = (stamp, _read(self._path).operators)
        except (OSError, SettingsError) as error:
            log.error("nobody is let in at the desk: %s", error)
            return None
        return self._read[1]


def add_operator(path: Path, name: str, password: str) -> bool:
    """Writes the operator into the file, readable by its owner alone; true where the name is new.

    Raises DataError for a name or password that will not do, SettingsError for a file that cannot be read.
    """
    if not (1 <= len(name) <= 80 and name.isprintable() and name == name.strip()):
        raise DataError(f"{name!r} cannot name an operator", remedy="use 1 to 80 printable characters")
    if len(password) < SHORTEST:
        raise DataError("the password is too short", remedy=f"use at least {SHORTEST} characters")
    known = _read(path) if path.exists() else _File()
    new = name not in known.operators
    known.operators[name] = _kept(password)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(known.model_dump(), file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return new


def _read(path: Path) -> _File:
    try:
        return _File.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        remedy = "make it anew: dialoop operator NAME"
        raise SettingsError("the file of operators cannot be read", where=path, remedy=remedy) from error


def _kept(password: str) -> str:
    salt = secrets.token_bytes(16)
    cost = "$".join(map(str, _COST))
    return f"scrypt${cost}${salt.hex()}${_scrypt(password, salt, *_COST).hex()}"


def _matches(password: str, kept: str) -> bool:
    kind, n, r, p, salt, digest = (*kept.split("$"), "", "", "", "", "")[:6]
    if kind != "scrypt":
        return False
    found = _scrypt(password, bytes.fromhex(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


_NOBODY = f"scrypt${_COST[0]}${_COST[1]}${_COST[2]}${'00' * 16}${'00' * 32}"
"""Compared with where a name is unknown, so that it takes as long."""


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
