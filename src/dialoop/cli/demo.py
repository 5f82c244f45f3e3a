"""`dialoop demo`: the whole loop on made-up hotel logs, by the same commands that a team gives for its own.

Each step is shown as the command it is, and run in this process. A demo that was interrupted goes on; a finished one is
measured and served again without tuning. It knows which verbs follow one another, and nothing of how they work.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from dialoop.cli.app import PROJECT_FILE, load_verb
from dialoop.cli.beside import PROCESSORS, beside
from dialoop.cli.server_process import free_port, served
from dialoop.conversation import write_conversations
from dialoop.errors import RunError
from dialoop.privacy import protect_conversation
from dialoop.scenarios.hotel import make_logs

# What a demo makes, inside its folder.
PROJECT = "hotel"
HELD_OUT = "held-out.jsonl"
REPORT = "report"
REHEARSAL = "rehearsal.json"
MADE_WITH = "demo.json"
SERVER_LOG = "server.log"
# and inside the project
LOGS = "data/logs.jsonl"
RUN = "runs/hotel"

_HELD_OUT_OF_LOGS = "0.04"
"""A share: enough talks to see the loss fall, and the rest is learnt from."""
_MEASURED = "200"
"""Logs whose tokens are counted by the check: enough to tell lengths and the share of targets."""
_AT_ONCE = "40"
"""Answers, and rehearsed customers, side by side: all of them fit into memory, and together they take less time."""
_MADE_BY_MUON = ("--optimiser", "muon", "--batch-size", "8", "--lr", "4e-3")
"""The bundled base was trained by Muon, so it is tuned by it as well. A step has up to eight talks of one house: what
they begin with alike is computed once."""
_IN_OTHER_WORDS = ("--text-weight", "0.08", "--base-share", "0.25")
"""Calls before words, and a quarter of the base kept: so few logs teach wordings that other customers do not use."""


def demo(
    folder: Annotated[Path, typer.Option(help="Where everything is put.")] = Path("demo"),
    base: Annotated[str, typer.Option(help="What is tuned: mini, a folder or a hub name.")] = "mini",
    conversations: Annotated[int, typer.Option(min=20, help="Conversations to tune on.")] = 880,
    held_out: Annotated[int, typer.Option(min=2, help="Conversations to compare on, of another hotel.")] = 40,
    epochs: Annotated[float, typer.Option(min=0.01, help="Times that tuning goes through the logs.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the logs and of tuning.")] = 0,
    customers: Annotated[int, typer.Option(min=1, help="Rehearsed customers of each language.")] = 20,
    serve: Annotated[bool, typer.Option(help="Serve the agents at the end, with chat page and desk.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve at; 0 takes a free one.")] = 0,
) -> None:
    """Make a hotel's project and logs, tune a base, compare, rehearse, then serve chat page and desk."""
    began = time.monotonic()
    asked: dict[str, Any] = {"base": base, "conversations": conversations, "held_out": held_out, "epochs": epochs}
    asked |= {"customers": customers, "seed": seed}
    _same_demo(folder, asked)
    project = folder / PROJECT
    logs, others, run = str(project / LOGS), str(folder / HELD_OUT), project / RUN
    if not (project / PROJECT_FILE).is_file():
        made = ("--conversations", str(conversations), "--seed", str(seed))
        _verb("1 of 6", "new", "hotel", str(project), *made)
    if not Path(others).is_file():
        write_conversations(others, map(protect_conversation, make_logs(held_out, seed=seed, part="test")))
    _verb("2 of 6", "check", logs, "--base", base, "--measure", _MEASURED)
    if (run / "model").is_dir():
        _say("3 of 6", f"tuned before: {run} (remove {folder} to begin anew)")
    elif run.is_dir():
        _verb("3 of 6", "tune", "--run", str(run), "--resume")
    else:
        chosen = ["--epochs", f"{epochs:g}", "--held-out", _HELD_OUT_OF_LOGS, "--seed", str(seed)]
        chosen += (*_MADE_BY_MUON, *_IN_OTHER_WORDS) if base == "mini" else ()
        _verb("3 of 6", "tune", logs, "--base", base, "--run", str(run), *chosen)
    measured = [str(run), others, "--before", base, "--train", logs]
    measured += ["--report", str(folder / REPORT), "--batch-size", _AT_ONCE]
    talked = ["hotel", "--project", str(project), "--model", str(run.resolve()), "--customers", str(customers)]
    talked += ["--seed", str(seed), "--at-once", _AT_ONCE, "--json", str((folder / REHEARSAL).resolve())]
    _compare_and_rehearse(measured, talked)
    minutes = (time.monotonic() - began) / 60
    if serve:
        _serve(folder, port or free_port())
    typer.echo("\n" + "\n".join(closing_lines(folder, conversations, held_out, minutes)))


def _compare_and_rehearse(measured: list[str], talked: list[str]) -> None:
    """Both at once where there are two processors: one model that answers token by token keeps one of them busy."""
    if PROCESSORS < 2:
        _verb("4 of 6", "evaluate", *measured)
        _verb("5 of 6", "rehearse", *talked)
        return
    import torch

    threads = torch.get_num_threads()
    with beside(["rehearse", *talked], PROCESSORS // 2) as rehearsal:
        torch.set_num_threads(PROCESSORS - PROCESSORS // 2)
        try:
            _verb("4 of 6", "evaluate", *measured)
        finally:
            torch.set_num_threads(threads)
        _say("5 of 6", shlex.join(["dialoop", "rehearse", *talked]))
        status, said = rehearsal.result()
    typer.echo(said, nl=False)
    if status:
        raise typer.Exit(status)


def closing_lines(folder: Path, conversations: int, held_out: int, minutes: float) -> list[str]:
    """The five lines at the end: what happened, and what to do with one's own logs."""
    report = json.loads((folder / REPORT / "evaluation.json").read_text(encoding="utf-8"))
    before, after = report["before"], report["after"]
    exact = "; ".join(
        f"{name} {_share(before, group)} → {_share(after, group)}"
        for group, name in (("all", "all"), ("en", "English"), ("zh", "Chinese"))
    )
    project = folder / PROJECT
    return [
        f"Tuned on {conversations} made-up conversations, compared on {held_out} others, in {minutes:.1f} minutes.",
        f"Tool calls exactly right, in a hotel and phrasings never seen: {exact}.",
        f"The report, with the worst answers side by side: {folder / REPORT / 'report.html'}",
        "To talk to the agents, and to take over at the desk: "
        + shlex.join(["dialoop", "serve", "--project", str(project), "--model", RUN]),
        "With your own logs: dialoop check LOGS, then dialoop tune LOGS, then dialoop serve",
    ]


def _share(evaluation: dict[str, Any], group: str) -> str:
    value = evaluation["figures"][group]["call_exact"]["value"]
    return "no calls" if value is None else f"{value:.1%}"


def _same_demo(folder: Path, asked: dict[str, Any]) -> None:
    """Begin a demo in its folder, or go on with the one that is there if it was asked for in the same way."""
    note = folder / MADE_WITH
    if note.is_file():
        made_with = json.loads(note.read_text(encoding="utf-8"))
        if made_with != asked:
            told = ", ".join(f"{name} {value}" for name, value in made_with.items())
            remedy = f"remove {folder}, or name another folder with --folder"
            raise RunError(f"here is a demo made with {told}", where=folder, remedy=remedy)
        return
    if folder.exists() and any(folder.iterdir()):
        what = "the folder is not empty, and what is in it is no demo"
        raise RunError(what, where=folder, remedy="name another folder with --folder")
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(asked) + "\n", encoding="utf-8")


def _serve(folder: Path, port: int) -> None:
    """Serve the project's agents with chat page and desk, until Enter is pressed or the input ends."""
    project = folder / PROJECT
    _say("6 of 6", shlex.join(["dialoop", "serve", "--project", str(project), "--model", RUN, "--port", str(port)]))
    with served(RUN, port, log=folder / SERVER_LOG, project=project) as address:
        site = address.removesuffix("/v1")
        typer.echo(f"Talk to the hotel at {site}/chat; take over, edit and approve at {site}/desk.")
        typer.echo("Enter ends it.")
        sys.stdin.readline()


def _say(step: str, what: str) -> None:
    typer.echo(f"\n{typer.style(step, bold=True)}  {what}")


def _verb(step: str, verb: str, *args: str) -> None:
    """Show a verb's command and run it; a verb that ends with another status than 0 ends the demo with it."""
    if step:
        _say(step, shlex.join(["dialoop", verb, *args]))
    status = load_verb(verb).main(list(args), prog_name=f"dialoop {verb}", standalone_mode=False)
    if isinstance(status, int) and status != 0:
        raise typer.Exit(status)
