"""`dialoop demo`: the whole loop on made-up hotel logs, by the same commands that a team gives for its own.

Each step is shown as the command it is, and run in this process. A demo that was interrupted goes on; a finished one is
measured and served again without tuning. It knows which verbs follow one another, and nothing of how they work.
"""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from dialoop.cli.app import load_verb
from dialoop.cli.server_process import free_port, served
from dialoop.conversation import write_conversations
from dialoop.errors import RunError
from dialoop.scenarios.hotel import make_logs

# What a demo makes, inside its folder.
SAID, LOGS = "hotel-as-said.jsonl", "hotel.jsonl"
HELD_OUT_SAID, HELD_OUT = "hotel-held-out-as-said.jsonl", "hotel-held-out.jsonl"
RUN = "hotel"
REPORT = "report"
MADE_WITH = "demo.json"
SERVER_LOG = "server.log"
TOOLS = "tools.json"

_MADE_BY_MUON = ("--optimiser", "muon")
"""The bundled base was trained by Muon, and few steps of Muon adapt it better than as many of AdamW."""


def demo(
    folder: Annotated[Path, typer.Option(help="Where everything is put.")] = Path("demo"),
    base: Annotated[str, typer.Option(help="What is tuned: mini, a folder or a hub name.")] = "mini",
    conversations: Annotated[int, typer.Option(min=20, help="Conversations to tune on.")] = 400,
    held_out: Annotated[int, typer.Option(min=2, help="Conversations to compare on, of another hotel.")] = 40,
    epochs: Annotated[float, typer.Option(min=0.01, help="Times that tuning goes through the logs.")] = 3.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the logs and of tuning.")] = 0,
    serve: Annotated[bool, typer.Option(help="Serve the tuned model at the end and open the chat.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve at; 0 takes a free one.")] = 0,
) -> None:
    """Make hotel logs, check them, tune a base, compare before and after, then serve and chat."""
    began = time.monotonic()
    asked = {"base": base, "conversations": conversations, "held_out": held_out, "epochs": epochs, "seed": seed}
    _same_demo(folder, asked)
    logs, others, run = (str(folder / name) for name in (LOGS, HELD_OUT, RUN))
    said, others_said = str(folder / SAID), str(folder / HELD_OUT_SAID)
    _say("1 of 6", f"logs of a made-up hotel, in English and Chinese: {said}, {others_said}")
    write_conversations(said, make_logs(conversations, seed=seed))
    write_conversations(others_said, make_logs(held_out, seed=seed, part="test"))
    for source, target in ((said, logs), (others_said, others)):
        if not Path(target).is_file():
            _verb("2 of 6", "convert", source, target, "--protect")
    first = next(make_logs(1, seed=seed, part="test"))
    (folder / TOOLS).write_text(json.dumps(first.tools, indent=1) + "\n", encoding="utf-8")
    _verb("3 of 6", "check", logs, "--base", base)
    if Path(run, "model").is_dir():
        _say("4 of 6", f"tuned before: {run} (remove {folder} to begin anew)")
    elif Path(run).is_dir():
        _verb("4 of 6", "tune", "--run", run, "--resume")
    else:
        chosen = ["--epochs", f"{epochs:g}", "--seed", str(seed), *(_MADE_BY_MUON if base == "mini" else ())]
        _verb("4 of 6", "tune", logs, "--base", base, "--run", run, *chosen)
    measured = ["--before", base, "--train", logs, "--report", str(folder / REPORT)]
    _verb("5 of 6", "evaluate", run, others, *measured)
    minutes = (time.monotonic() - began) / 60
    if serve:
        _serve_and_chat(folder, run, port or free_port(), first.messages[0].content or "")
    typer.echo("\n" + "\n".join(closing_lines(folder, conversations, held_out, minutes)))


def closing_lines(folder: Path, conversations: int, held_out: int, minutes: float) -> list[str]:
    """The five lines at the end: what happened, and what to do with one's own logs."""
    report = json.loads((folder / REPORT / "evaluation.json").read_text(encoding="utf-8"))
    before, after = report["before"], report["after"]
    exact = "; ".join(
        f"{name} {_share(before, group)} → {_share(after, group)}"
        for group, name in (("all", "all"), ("en", "English"), ("zh", "Chinese"))
    )
    return [
        f"Tuned on {conversations} made-up conversations, compared on {held_out} others, in {minutes:.1f} minutes.",
        f"Tool calls exactly right, in a hotel and phrasings never seen: {exact}.",
        f"The report, with the worst answers side by side: {folder / REPORT / 'report.html'}",
        "To talk to it again: "
        + shlex.join(["dialoop", "chat", "--model", str(folder / RUN), "--tools", str(folder / TOOLS)]),
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


def _serve_and_chat(folder: Path, model: str, port: int, told: str) -> None:
    """Serve `model`, and chat with it as the hotel's front desk: `told` is its system message."""
    _say("6 of 6", shlex.join(["dialoop", "serve", "--model", model, "--port", str(port)]))
    with served(model, port, log=folder / SERVER_LOG) as address:
        typer.echo(
            f"at {address}, in OpenAI's protocol, until the chat ends. The model has the hotel's tools: where it"
        )
        typer.echo("calls one, you are asked for the result. Ask it for a room; /quit ends the chat.\n")
        _verb("", "chat", "--url", address, "--system", told, "--tools", str(folder / TOOLS))


def _say(step: str, what: str) -> None:
    typer.echo(f"\n{typer.style(step, bold=True)}  {what}")


def _verb(step: str, verb: str, *args: str) -> None:
    """Show a verb's command and run it; a verb that ends with another status than 0 ends the demo with it."""
    if step:
        _say(step, shlex.join(["dialoop", verb, *args]))
    status = load_verb(verb).main(list(args), prog_name=f"dialoop {verb}", standalone_mode=False)
    if isinstance(status, int) and status != 0:
        raise typer.Exit(status)
