"""The shape of the repository: sizes of files and functions, names, what a room offers, what its files tell."""

import ast
import importlib
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "dialoop"
ROOMS = sorted(folder for folder in PACKAGE.iterdir() if (folder / "__init__.py").is_file())
SOURCES = sorted(PACKAGE.rglob("*.py"))
CODE = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]
WORDLESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=name)
def test_no_file_is_above_500_lines(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_function_is_above_60_lines(path: Path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {
        f"{node.name}:{node.lineno}": node.end_lineno - node.lineno + 1
        for node in functions
        if node.end_lineno - node.lineno + 1 > 60
    }
    assert not long


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_named_with_a_word_that_says_something(path: Path):
    assert path.stem not in WORDLESS


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_opens_with_what_it_does(path: Path):
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert said is not None
    assert len(said.split()) >= 4


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_names_what_it_offers_and_has_it(room: Path):
    offered = importlib.import_module(f"dialoop.{room.name}")
    assert offered.__all__, f"dialoop.{room.name} has no __all__, or an empty one"
    assert len(set(offered.__all__)) == len(offered.__all__)
    missing = [name for name in offered.__all__ if not hasattr(offered, name)]
    assert not missing


def test_no_room_stands_outside_the_order_of_imports():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    layers = tools["importlinter"]["contracts"][0]["layers"]
    listed = {room.strip() for layer in layers for room in layer.split("|")}
    assert {f"dialoop.{room.name}" for room in ROOMS} <= listed


def test_the_tree_names_no_path_of_the_machine_it_was_written_on():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    telling = ("/home/", "/Users/", "/root/", "file:///", f"{ROOT}/")
    found = []
    for path in filter(None, listed.decode().split("\0")):
        file = ROOT / path
        if file == Path(__file__) or not file.is_file() or file.stat().st_size > 2_000_000:
            continue
        text = file.read_bytes()
        found += [f"{path}: {word}" for word in telling if word.encode() in text]
    assert not found
