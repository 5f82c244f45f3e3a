"""Writes the command reference and the list of settings from the code: `python -m dialoop.cli.reference DOCS`.

`DOCS/commands.md` holds every verb with all its options, `DOCS/project-file.md` every setting of a project file. With
`--check` nothing is written, and a page that differs from the code ends with status 1. It knows no verb by name.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperOption

from dialoop.cli.app import VERBS, commands, load_verb
from dialoop.project import PROJECT_FILE, explain_project

WRITTEN = "<!-- Written by `make docs` from the code. Change the code, not this page. -->\n"


def commands_page() -> str:
    """The page `commands.md`: how the command line is used, and a part for each verb."""
    parts = [
        "# Commands\n",
        WRITTEN,
        "`dialoop VERB --help` tells the same in the terminal. Exit status: 0 done; 1 a check that failed, or a defect"
        " of dialoop; 2 refused, with one message on standard error that says what, where and what to do;"
        " 130 interrupted.\n",
        "| verb | what it is for |\n| --- | --- |",
        *(f"| [`{verb}`](#dialoop-{verb}) | {summary} |" for verb, summary in VERBS.items()),
        "\nBefore the verb, `dialoop` itself takes:\n",
        _table(commands().params),
    ]
    for verb in VERBS:
        parts += _verb(load_verb(verb))
    return "\n".join(parts).rstrip() + "\n"


def settings_page() -> str:
    """The page `project-file.md`: every setting of a project file."""
    parts = [
        "# The project file\n",
        WRITTEN,
        f"A file `{PROJECT_FILE}` in the working directory sets the verbs' defaults; every verb says which it took from"
        " there, and an option on the command line wins over it. A key with a dot belongs in the section before the"
        " dot. An unknown key or a value out of bounds is refused with file, line and the nearest known key.\n",
        "```yaml",
        "base: mini",
        "tune:",
        "  epochs: 3",
        "serve:",
        "  port: 8000",
        "```\n",
        "| setting | takes | default | what it is |\n| --- | --- | --- | --- |",
        *(
            f"| `{entry.key}` | {_code(entry.kind)} | {_code(entry.default)} | {_prose(entry.about)} |"
            for entry in explain_project()
        ),
    ]
    return "\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """Every page that is made from the code, by its file name."""
    return {"commands.md": commands_page(), "project-file.md": settings_page()}


def _verb(command: TyperCommand) -> Iterator[str]:
    arguments = [param for param in command.params if isinstance(param, TyperArgument)]
    options = [param for param in command.params if isinstance(param, TyperOption) and not param.hidden]
    words = " ".join(_words(argument) for argument in arguments)
    usage = " ".join(filter(None, (f"dialoop {command.name}", words, "[OPTIONS]" if options else "")))
    yield f"\n## dialoop {command.name}\n"
    yield inspect.cleandoc(command.help or "").replace("\f", "") + "\n"
    yield f"    {usage}\n"
    yield _table([*arguments, *options])


def _words(argument: TyperArgument) -> str:
    word = (argument.metavar or argument.name or "").upper() + ("..." if argument.nargs == -1 else "")
    return word if argument.required else f"[{word}]"


def _table(params: Any) -> str:
    rows = [row for param in params if (row := _row(param)) is not None]
    return "\n".join(["| option | takes | default | what it does |", "| --- | --- | --- | --- |", *rows])


def _row(param: Any) -> str | None:
    if isinstance(param, TyperArgument):
        name = _words(param).strip("[]")
    elif isinstance(param, TyperOption) and not param.hidden:
        name = ", ".join([*param.opts, *param.secondary_opts])
    else:
        return None
    takes = "" if getattr(param, "is_flag", False) else _takes(param)
    return f"| `{name}` | {_code(takes)} | {_code(_default(param))} | {_prose(param.help or '')} |"


def _takes(param: Any) -> str:
    described = param.type_descriptor
    if described.is_choice:
        return " or ".join(str(choice.value if isinstance(choice, Enum) else choice) for choice in described.choices)
    plain = param.bare_type().removeprefix("list[").removesuffix("]").lower()
    return str({"str": "text", "int": "whole number", "float": "number"}.get(plain, plain))


def _default(param: Any) -> str:
    value = param.default
    if param.required:
        return "(required)" if isinstance(param, TyperOption) else ""
    if value is None or callable(value):
        return ""
    if isinstance(value, bool):
        return "" if not value else "yes"
    if isinstance(value, Enum):
        value = value.value
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _code(text: str) -> str:
    return f"`{_one_line(text)}`" if text else ""


def _prose(text: str) -> str:
    return _one_line(text).replace("<", "&lt;")


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(args: list[str]) -> int:
    """Write the pages into the folder named last in `args`, or with `--check` compare. Gives the exit status."""
    folder = Path(args[-1])
    stale = []
    for name, text in pages().items():
        page = folder / name
        if page.is_file() and page.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(page))
        if "--check" not in args:
            page.write_text(text, encoding="utf-8")
    if stale and "--check" in args:
        print(f"not as the code is: {', '.join(stale)}\n  what to do: make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
