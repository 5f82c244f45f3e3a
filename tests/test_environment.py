"""The environment: the lock holds what the project declares, and what the project imports is declared."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEEDED = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
EXTRAS = [Requirement(text) for extra in PROJECT["project"]["optional-dependencies"].values() for text in extra]
FOR_DEVELOPERS = [Requirement(text) for text in PROJECT["dependency-groups"]["dev"]]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return {plain(name): pin for name, _, pin in (line.partition("==") for line in lines if not line.startswith("#"))}


def test_torch_is_pinned_first():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert re.fullmatch(r"torch==[\d.]+", pinned[0])


@pytest.mark.parametrize("wanted", [*NEEDED, *EXTRAS, *FOR_DEVELOPERS], ids=str)
def test_what_is_declared_is_locked_at_a_version_that_it_allows(wanted: Requirement):
    assert wanted.specifier.contains(pins()[plain(wanted.name)])


def test_what_the_package_imports_is_declared():
    offered_by = packages_distributions()
    declared = {plain(one.name) for one in [*NEEDED, *EXTRAS]}
    undeclared = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in (full.partition(".")[0] for full in names):
                if name == "dialoop" or name in sys.stdlib_module_names:
                    continue
                if not {plain(one) for one in offered_by.get(name, [])} & declared:
                    undeclared.add(f"{path.relative_to(ROOT)}: {name}")
    assert not undeclared
