"""Finds the verb that was asked for, loads its file alone, and turns typed errors into one message and an exit status.

A verb's file `cli/<verb>.py` holds one function named as the verb, with typer annotations; `VERBS` below is the list.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click
import typer
from typer.main import get_command

from dialoop.errors import DialoopError

VERBS: dict[str, str] = {
    "check": "Look at dialogue data: every fault, fit with a base, targets, leaks.",
    "convert": "Bring dialogue data from one form into another.",
    "tune": "Adapt a base to dialogue data.",
    "evaluate": "Measure models on held-out conversations, before against after.",
    "chat": "Talk to a model in the terminal.",
    "serve": "Serve a model over HTTP, OpenAI-compatible.",
    "pretrain": "Train the bundled base from scratch by a recipe.",
    "demo": "Run the whole loop on generated hotel logs.",
}


class _Verbs(click.Group):
    """A click group whose commands are imported on first use, so that `--help` loads no torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"dialoop.cli.{cmd_name}")
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(name=cmd_name)(getattr(module, cmd_name))
        return get_command(app)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def main(args: list[str] | None = None) -> Any:
    """The entry point `dialoop`. Exit status: 0 done, 2 refused (message on standard error), 130 interrupted."""
    group = _Verbs(name="dialoop", help="From your own dialogue logs to an agent that you own.")
    try:
        group.main(args=args, prog_name="dialoop", standalone_mode=True)
    except DialoopError as error:
        print(f"dialoop: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
