"""Tiny bases, made once for all tests of training."""

from pathlib import Path

import pytest

from ..tiny_models import tiny_model


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each kind of tiny model."""
    folder = tmp_path_factory.mktemp("bases")
    return {kind: tiny_model(kind, folder / kind) for kind in ("gpt2", "llama", "qwen3", "bert")}
