"""`dialoop chat`: talk to a model in the terminal. Thin: options to an engine and a talk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from dialoop.cli.engines import Dtype, key_from, model_in_service, open_in_process, open_remote
from dialoop.cli.talk import Talk, TerminalLines
from dialoop.engine import Engine


def chat(
    model: Annotated[
        str | None, typer.Option(help="A version, a run, a folder or a hub name; none: the newest.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Talk to a running server at this address, with its /v1.")] = None,
    key_env: Annotated[str | None, typer.Option(metavar="NAME", help="Variable that holds that server's key.")] = None,
    system: Annotated[str | None, typer.Option(help="What the model is told to be; as /system.")] = None,
    tools: Annotated[Path | None, typer.Option(help="JSON file with a list of tools; as /tools.")] = None,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="0: the likeliest words.")] = 0.0,
    seed: Annotated[int | None, typer.Option(help="The same seed and words give the same answer.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer, in tokens.")] = None,
    dtype: Annotated[Dtype, typer.Option(help="Number format of the weights.")] = "auto",
) -> None:
    """Talk to a model in the terminal; /help lists what can be typed besides."""
    key = key_from(key_env)
    engine: Engine
    if url is not None:
        engine = open_remote(url, key=key, model=model)
    else:
        engine = open_in_process(model or model_in_service(), dtype=dtype, max_batch=1)[0]
    with asyncio.Runner() as runner:
        try:
            talk = Talk(engine, runner, TerminalLines(), temperature=temperature, seed=seed, max_tokens=max_tokens)
            if system is not None:
                talk.command(f"/system {system}")
            if tools is not None:
                talk.load_tools(tools)
            talk.run()
        finally:
            runner.run(engine.close())
