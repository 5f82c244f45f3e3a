"""One suite for both databases: `index` is where an index is kept, on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dialoop.knowledge import Knowledge, open_knowledge
from tests.store.conftest import schema, server  # noqa: F401

RULES = {
    "rules.en.md": """# House rules

## Pets
<!-- also: dog, cat -->
Pets are welcome for 5 euros a night.

## Late check-out
Late check-out is possible for 20 euros.

## Wi-Fi
Wi-Fi is free in all rooms.
""",
    "rules.zh.md": """# 住店须知

## 宠物
<!-- also: 狗, 小猫 -->
可以带小型宠物，每晚20元。

## 游泳池
游泳池开放到10点。
""",
}


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, text in RULES.items():
        (rules / name).write_text(text, encoding="utf-8")
    return rules


@pytest.fixture(params=["sqlite", "postgres"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "index.db")
        return
    with schema(request.getfixturevalue("server")) as address:
        yield address


@pytest.fixture
def knowledge(folder: Path, index: str, clock: Hands) -> Iterator[Knowledge]:
    with open_knowledge(folder, index, clock=clock) as opened:
        yield opened
