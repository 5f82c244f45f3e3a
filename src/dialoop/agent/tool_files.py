"""Reads a Python file of tools: runs it as a module of its own, and gives the public functions that it defines.

It knows files and Python, not what makes a function a tool.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from dialoop.errors import Place, SettingsError


def functions_in(path: Path) -> list[Callable[..., Any]]:
    """All public functions that the file defines, in its order, also those that a decorator such as `cache` wraps.

    The file is run for that; it may import modules that lie beside it. Raises SettingsError, with file and line, where
    it cannot be run, defines no public function, or defines two of one name.
    """
    module = _loaded(path)
    functions = [value for name, value in vars(module).items() if not name.startswith("_") and _is_own(value, module)]
    if not functions:
        remedy = "define at least one function whose name does not begin with _"
        raise SettingsError("this file defines no tool", where=path, remedy=remedy)
    _check_names(path)
    return functions


def _is_own(value: Any, module: ModuleType) -> bool:
    """Whether the value is a function that the module defines."""
    if inspect.isclass(value) or not callable(value) or getattr(value, "__module__", None) != module.__name__:
        return False
    return inspect.isfunction(value) or inspect.isfunction(getattr(value, "__wrapped__", None))


def _check_names(path: Path) -> None:
    """Raises SettingsError where a public function takes the place of another one: Python says nothing of that."""
    lines: dict[str, int] = {}
    for one in ast.parse(path.read_bytes()).body:
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) or one.name.startswith("_"):
            continue
        if one.name in lines:
            what = f"two tools are named {one.name!r}: here and on line {lines[one.name]}"
            raise SettingsError(what, where=Place(str(path), one.lineno), remedy="name one of them otherwise")
        lines[one.name] = one.lineno


def _loaded(path: Path) -> ModuleType:
    """The file as a module of its own. Raises SettingsError with the line at fault."""
    if not path.is_file():
        raise SettingsError("there is no such file of tools", where=path, remedy="check the path")
    name = f"dialoop_tools_{path.stem}_{abs(hash(path.absolute()))}"
    spec = importlib.util.spec_from_file_location(name, path.absolute())
    if spec is None or spec.loader is None:
        raise SettingsError("this is no Python file", where=path, remedy="name a file that ends with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that annotations in quotes can be read
    if (beside := str(path.absolute().parent)) not in sys.path:
        sys.path.append(beside)  # at the end: modules beside the file hide no others
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise SettingsError(f"the tools cannot be loaded: {_first_line(error)}", where=_place(error, path)) from error
    return module


def _first_line(error: BaseException) -> str:
    said = str(error).splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


def _place(error: BaseException, path: Path) -> Place:
    """Where in the file it happened."""
    if isinstance(error, SyntaxError):
        return Place(str(path), error.lineno)
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path.absolute()):
            line = trace.tb_lineno
        trace = trace.tb_next
    return Place(str(path), line)
