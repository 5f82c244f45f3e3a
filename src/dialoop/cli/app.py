"""Finds the verb that was asked for, loads its file alone, and turns every failure into one message and an exit status.

A verb's file `cli/<verb>.py` holds one function named as the verb, with typer annotations; `VERBS` below is the list.
The verbs' own files are imported when they are called, so that `dialoop --help` loads no torch. It does not know what
any verb does. Where the working directory holds a `dialoop.yaml`, the verbs take their defaults from it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from importlib.metadata import version as installed_version
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from dialoop.cli.refusals import refusal, traceback_of

PROJECT_FILE = "dialoop.yaml"
VERBS: dict[str, str] = {
    "new": "Make a project folder from a scenario.",
    "check": "Look at dialogue data: every fault, fit with a base, targets, leaks.",
    "convert": "Bring dialogue data from one form into another.",
    "tune": "Adapt a base to dialogue data.",
    "search": "Search for good settings of tune, trial by trial.",
    "evaluate": "Measure models on held-out conversations, before against after.",
    "export": "Convert a model that labels, tags or scores to ONNX, for processors.",
    "chat": "Talk to a model in the terminal.",
    "serve": "Serve a model, and a project's agents with chat page and desk, over HTTP.",
    "operator": "Let somebody sign in at the desk.",
    "rehearse": "Let simulated customers talk to the agent.",
    "learn": "Learn from served conversations: collect, tune, judge, promote or refuse.",
    "shelf": "List the model's versions, promote one, or roll back.",
    "explain": "Tell what led to an answer of an agent, or to the label of a text.",
    "backup": "Write a whole store of conversations into one file.",
    "restore": "Fill a new store from a backup.",
    "pretrain": "Train the bundled base from scratch by a recipe.",
    "demo": "Run the whole loop on generated hotel logs.",
}


def load_verb(name: str) -> TyperCommand:
    """Import the file of the verb `name` and give its command. `name` is a key of `VERBS`."""
    module = importlib.import_module(f"dialoop.cli.{name}")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name=name)(getattr(module, name))
    command = get_command(app)
    assert isinstance(command, TyperCommand)
    return command


class Verbs(TyperGroup):
    """A group that lists its verbs by name and one line, and imports a verb's file only to run it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The verb that `args` begin with, loaded; an unknown one is refused with the nearest known."""
        name, listed, rest = super().resolve_command(ctx, args)
        if listed is None or listed.name is None:
            return name, None, rest
        if Path(PROJECT_FILE).is_file() and "--help" not in rest:
            ctx.default_map = {listed.name: _defaults(listed.name)}
        return name, load_verb(listed.name), rest


def _defaults(verb: str) -> dict[str, Any]:
    """What the project file of the working directory sets for `verb`, and a line that says so."""
    from dialoop.project import load_project

    defaults = load_project(Path(PROJECT_FILE)).get(verb, {})
    if defaults:
        told = ", ".join(f"{name} {_words(value)}" for name, value in defaults.items())
        typer.echo(f"from {PROJECT_FILE}: {told} (an option on the command line wins)", err=True)
    return defaults


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dialoop {installed_version('dialoop')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and end.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="On any failure, print where in the code it happened as well.")
    ] = False,
) -> None:
    """From your own dialogue logs to an agent that you own."""


def commands() -> Verbs:
    """The whole command line, its verbs listed but not loaded."""
    app = typer.Typer(cls=Verbs, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
    app.callback()(_options)
    group = get_group(app)
    assert isinstance(group, Verbs)
    for name, summary in VERBS.items():
        group.add_command(TyperCommand(name, help=summary))
    return group


def main(args: list[str] | None = None) -> None:
    """The entry point `dialoop`; always raises SystemExit.

    Exit status: 0 done; 1 a check that failed, or a defect of dialoop; 2 refused, with a message on standard error;
    130 interrupted.
    """
    asked = sys.argv[1:] if args is None else args
    try:
        try:
            commands().main(args=asked, prog_name="dialoop")
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _hush_stdout()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last stop: whatever is raised becomes one message
        _hush_stdout()
        if "--traceback" in _before_verb(asked):
            print(traceback_of(error), file=sys.stderr)
        message, status = refusal(error, asked)
        print(f"dialoop: {message}", file=sys.stderr)
        sys.exit(status)


def _before_verb(args: Iterable[str]) -> list[str]:
    return list(takewhile(lambda word: word.startswith("-"), args))


def _hush_stdout() -> None:
    """Where standard output cannot be written, point it at nothing: the interpreter's last flush is then quiet."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
