"""`dialoop shelf`: the versions of the model: which there are, which serves, why; promote one, or roll back."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from dialoop.errors import SettingsError
from dialoop.model import Shelf, Version
from dialoop.model import shelf as open_shelf

Action = Literal["list", "show", "promote", "roll-back"]


def shelf(
    action: Annotated[Action, typer.Argument(help="What to do; without, the versions are listed.")] = "list",
    name: Annotated[str | None, typer.Argument(help="The version to show or promote.")] = None,
    shelf: Annotated[Path, typer.Option(help="The folder of versions.")] = Path("shelf"),
    by: Annotated[str | None, typer.Option(help="Who does this, for the history; else your user name.")] = None,
    why: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    anyway: Annotated[bool, typer.Option("--anyway", help="Promote a version that was refused.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write to standard output as JSON.")] = False,
) -> None:
    """List versions, show one and why it serves or not, promote one, or roll back to what served before.

    A running server takes up the version in service between two turns.
    """
    kept = open_shelf(shelf)
    if (name is None) == (action in ("show", "promote")):
        what = "names no version" if name is None else f"takes no version, and {name!r} was given"
        raise SettingsError(f"`{action}` {what}", remedy=f"dialoop shelf {action}{' NAME' if name is None else ''}")
    who = by or getpass.getuser()
    if action == "list":
        _tell(as_json, _listed(kept), lambda: _table(kept))
    elif action == "show":
        assert name is not None
        shown = _shown(kept, name)
        _tell(as_json, shown, lambda: _page(shown))
    else:
        before = kept.current
        if action == "promote":
            assert name is not None
            now = kept.promote(name, by=who, why=why, anyway=anyway)
        else:
            now = kept.roll_back(by=who, why=why)
        former = None if before is None else before.name
        words = f"{now.name} is in service already" if former == now.name else f"in service: {now.name}"
        told = words if former in (None, now.name) else f"{words}; before: {former}"
        _tell(as_json, {"current": now.name, "former": former}, lambda: typer.echo(told))


def _tell(as_json: bool, data: Any, show: Any) -> None:
    if as_json:
        typer.echo(json.dumps(data, ensure_ascii=False))
    else:
        show()


def _listed(kept: Shelf) -> dict[str, Any]:
    current = kept.current
    return {
        "current": None if current is None else current.name,
        "versions": [version.model_dump(mode="json") | _last(kept, version) for version in kept.list()],
    }


def _last(kept: Shelf, version: Version) -> dict[str, Any]:
    """The last that was done with a version, and why."""
    changes = [change for change in kept.history() if version.name in (change.version, change.former)]
    own = [change for change in changes if change.version == version.name]
    current = kept.current
    if current is not None and current.name == version.name:
        state = "in service"
    elif own and own[-1].action == "refused":
        state = "refused"
    elif any(change.action in ("promoted", "rolled_back") for change in own):
        state = "served before"
    else:
        state = "never served"
    return {"state": state, "why": own[-1].why if own else ""}


def _table(kept: Shelf) -> None:
    versions = kept.list()
    if not versions:
        typer.echo(f"the shelf {kept.path} is empty; `dialoop learn` puts versions on it")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("version", "state", "since", "why"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "why")
    for version in versions:
        last = _last(kept, version)
        table.add_row(version.name, last["state"], f"{version.created:%Y-%m-%d %H:%M}", last["why"])
    Console().print(table)


def _shown(kept: Shelf, name: str) -> dict[str, Any]:
    from dialoop.learning import Rounds

    version = kept.get(name)
    changes = [change.model_dump(mode="json") for change in kept.history() if name in (change.version, change.former)]
    page = next(
        (
            (folder.path / "decision.md").read_text(encoding="utf-8")
            for folder in Rounds(kept.path).decided()
            if (record := folder.record()) is not None and record.candidate == name
        ),
        None,
    )
    return version.model_dump(mode="json") | _last(kept, version) | {"history": changes, "decision": page}


def _page(shown: dict[str, Any]) -> None:
    typer.echo(f"{shown['name']}: {shown['state']}; {shown['created']}; weights {shown['fingerprint'][:12]}")
    for figure, value in shown["metrics"].items():
        typer.echo(f"  {figure}: {value:.4g}" if isinstance(value, float) else f"  {figure}: {value}")
    for change in shown["history"]:
        former = f" (before: {change['former']})" if change["former"] else ""
        who = f" by {change['by']}" if change["by"] else ""
        why = f": {change['why']}" if change["why"] else ""
        typer.echo(f"{change['at'][:16]} {change['version']} {change['action'].replace('_', ' ')}{former}{who}{why}")
    if shown["decision"]:
        typer.echo(f"\n{shown['decision']}")
