"""A store for each test, and tiny bases made once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dialoop.store import Store, open_store

from ..tiny_models import tiny_model


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "chat.db") as opened:
        yield opened


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("llama", tmp_path_factory.mktemp("bases") / "llama", hidden=32)
