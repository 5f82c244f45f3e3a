"""A model's folder on disk: which files may be opened, whether they are whole, and how one is written in one step.

Only safetensors weights are ever opened; pickled ones (which can run any code when opened) are refused by their names.
`manifest.json` holds the SHA-256 of every file. It does not know what is in a model.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dialoop.errors import ModelError

MANIFEST = "manifest.json"
ADAPTER_CONFIG = "adapter_config.json"
"""The file by which a folder that holds only an adapter is known."""
PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of `folder`, sorted. Raises ModelError where there are none, saying why."""
    found = sorted(folder.glob("*.safetensors"))
    if found:
        return found
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLED)
    if pickled:
        raise ModelError(
            f"the weights are pickled ({pickled[0]}); such a file can run any code, so it was not opened",
            where=folder,
            remedy="get the safetensors form of this model from those who made it",
        )
    raise ModelError("no weights here (*.safetensors)", where=folder, remedy="name a folder that holds a whole model")


def verify(folder: Path) -> str:
    """Check every file against the manifest, where there is one, and give the fingerprint of the weights.

    The fingerprint is the SHA-256 over the names and SHA-256 of the weight files. Raises ModelError for a folder
    without safetensors weights, or with a missing or changed file.
    """
    weights = {path.name: _sha256(path) for path in weight_files(folder)}
    manifest = _read_manifest(folder)
    _compare(folder, manifest, weights)
    if manifest and (unknown := sorted(weights.keys() - manifest.keys())):
        raise _torn(folder, f"{unknown[0]} is not in {MANIFEST}")
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(weights.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def verify_manifest(folder: Path) -> None:
    """Check every file of a folder without weights of its own against its manifest. Raises ModelError."""
    manifest = _read_manifest(folder)
    if not manifest:
        raise _torn(folder, f"{MANIFEST} is missing")
    _compare(folder, manifest, {})


def _compare(folder: Path, manifest: dict[str, str], known: dict[str, str]) -> None:
    """`known`: digests that have been taken."""
    for name, wanted in manifest.items():
        path = folder / name
        if not path.is_file():
            raise _torn(folder, f"{name} is missing")
        if (known.get(name) or _sha256(path)) != wanted:
            raise _torn(folder, f"{name} is not what was written")


def write_manifest(folder: Path) -> None:
    """Write `manifest.json` with the SHA-256 of every file below `folder`, and fsync all of them.

    A folder below with a manifest of its own answers for itself, so that it can be written anew alone.
    """
    apart = {path.parent for path in folder.rglob(MANIFEST)} - {folder}
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    own = [path for path in files if apart.isdisjoint(path.parents)]
    digests = {path.relative_to(folder).as_posix(): _sha256(path) for path in own}
    (folder / MANIFEST).write_text(json.dumps({"files": digests}, indent=2) + "\n", encoding="utf-8")
    for path in [*files, folder / MANIFEST]:
        _fsync(path)
    for path in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        _fsync(path)


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` to write into; when the block ends, it gets a manifest and takes `folder`'s place.

    Whatever fails, `folder` is what it was or what it should be. Raises ModelError where it cannot be written.
    """
    beside = folder.parent / f".{folder.name}.{os.getpid()}.partial"
    former = folder.parent / f".{folder.name}.{os.getpid()}.former"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        yield beside
        write_manifest(beside)
        if folder.exists():
            folder.rename(former)
        beside.rename(folder)
        _fsync(folder.parent)
    except OSError as error:
        if former.exists() and not folder.exists():
            former.rename(folder)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise ModelError(
            f"the model could not be written: {error.strerror or error}",
            where=folder,
            remedy="free some space and save again" if full else "choose a folder that can be written",
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(former, ignore_errors=True)


def replace_file(path: Path, text: str) -> None:
    """Write `text` to `path` in one step: beside it, fsynced, renamed. Raises ModelError where it cannot be written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        _fsync(beside)
        beside.rename(path)
        _fsync(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ModelError(
            f"cannot be written: {error.strerror or error}", where=path, remedy="free some space"
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Held by one process (and one thread of it) at a time; others wait. A process that dies lets go.

    Raises ModelError where the lock's file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise ModelError(what, where=path, remedy="choose a folder that can be written") from error
    try:
        lock(handle)
        yield
    finally:
        os.close(handle)


def lock(handle: int, *, wait: bool = True) -> None:
    """Lock an open file for this process, until it is closed. Raises OSError where another one holds it and this one
    is not to `wait`."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read_manifest(folder: Path) -> dict[str, str]:
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise _torn(folder, f"{MANIFEST} cannot be read") from error
    if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()):
        raise _torn(folder, f"{MANIFEST} has not the form {{'files': {{name: sha256}}}}")
    return files


def _torn(folder: Path, what: str) -> ModelError:
    return ModelError(
        f"the model's folder is torn: {what}", where=folder, remedy="copy it again, or take another version"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
