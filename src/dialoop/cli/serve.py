"""`dialoop serve`: a model, and a project's agents, over HTTP. Thin: settings to socket, engine, application."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from dialoop.cli.engines import Dtype, key_from, model_in_service, open_in_process, open_remote, served_name
from dialoop.cli.house import check_doors, in_service, open_house, project_agents
from dialoop.engine import Engine
from dialoop.errors import SettingsError
from dialoop.project import PROJECT_FILE, load_project
from dialoop.server import LOOPBACK, House, ServeSettings, address_of, build_app, listen, serve_app

_FIELDS = ServeSettings.model_fields


def _option(field: str, *words: str, **more: Any) -> Any:
    """An option that is described where its setting is."""
    return typer.Option(*words, help=_FIELDS[field].description, **more)


def serve(
    ctx: typer.Context,
    model: Annotated[str | None, _option("model", "--model")] = None,
    port: Annotated[int, _option("port", min=0, max=65535)] = _FIELDS["port"].default,
    host: Annotated[str, _option("host")] = _FIELDS["host"].default,
    name: Annotated[str | None, _option("name")] = None,
    engine: Annotated[Literal["in-process", "remote"], _option("engine")] = _FIELDS["engine"].default,
    remote_url: Annotated[str | None, _option("remote_url")] = None,
    remote_key_env: Annotated[str | None, _option("remote_key_env", metavar="NAME")] = None,
    api_key_env: Annotated[str | None, _option("api_key_env", metavar="NAME")] = None,
    dtype: Annotated[Dtype, _option("dtype")] = _FIELDS["dtype"].default,
    max_batch: Annotated[int, _option("max_batch", min=1, max=256)] = _FIELDS["max_batch"].default,
    max_waiting: Annotated[int, _option("max_waiting", min=0, max=100_000)] = _FIELDS["max_waiting"].default,
    temperature: Annotated[float, _option("temperature", min=0, max=2)] = _FIELDS["temperature"].default,
    max_tokens: Annotated[int | None, _option("max_tokens", min=1)] = None,
    max_body_mib: Annotated[float, _option("max_body_mib", min=0.001, max=1024)] = _FIELDS["max_body_mib"].default,
    project: Annotated[
        Path | None, typer.Option(help="A project folder, in the place of the working directory.")
    ] = None,
    store: Annotated[str, _option("store")] = _FIELDS["store"].default,
    operators: Annotated[str | None, _option("operators")] = None,
    understanding: Annotated[str | None, _option("understanding")] = None,
    messages_per_minute: Annotated[int, _option("messages_per_minute", min=1, max=10_000)] = (
        _FIELDS["messages_per_minute"].default
    ),
) -> None:
    """Serve a model, and the agents of a project with their chat page and desk, over HTTP, until Ctrl-C."""
    settings = ServeSettings(
        model=model, name=name, host=host, port=port, engine=engine, dtype=dtype,
        remote_url=remote_url, remote_key_env=remote_key_env, api_key_env=api_key_env, max_batch=max_batch,
        max_waiting=max_waiting, temperature=temperature, max_tokens=max_tokens, max_body_mib=max_body_mib,
        store=store, operators=operators, understanding=understanding, messages_per_minute=messages_per_minute,
    )  # fmt: skip
    if project is not None:
        settings = _in_project(project, settings, ctx)
    if (settings.engine == "remote") != (settings.remote_url is not None):
        raise SettingsError("--engine remote and --remote-url belong together", remedy="give both or neither")
    key, remote_key = key_from(settings.api_key_env), key_from(settings.remote_key_env)
    agents = project_agents()
    people = check_doors(settings, agents, key)
    with listen(settings.host, settings.port) as listening:
        opened, version, how = _open(settings, remote_key)
        model_held = in_service(opened, version, follow=_follows(settings), load=_loader(settings))
        with open_house(agents, settings, people, model_held, _loader(settings)) as house:
            _tell(opened, how, address_of(listening), settings, key, house)
            serve_app(build_app([model_held], settings, api_key=key, house=house), listening)
    typer.echo("ended")


def _tell(
    opened: Engine, how: str, address: str, settings: ServeSettings, key: str | None, house: House | None
) -> None:
    typer.echo(f"serving {', '.join(opened.models())} at {address}/v1 ({how}); Ctrl-C ends it")
    if house is not None:
        typer.echo(f"agents {', '.join(house.agents)}: chat at {address}/chat, desk at {address}/desk")
    if key is None and settings.host not in LOOPBACK:
        typer.echo("dialoop: anybody who reaches this address can use it: --api-key-env asks for a key", err=True)


def _in_project(folder: Path, settings: ServeSettings, ctx: typer.Context) -> ServeSettings:
    """Goes into the folder; what its file sets stands where the command line says nothing. Raises SettingsError."""
    if not (folder / PROJECT_FILE).is_file():
        remedy = f"make one: dialoop new hotel {folder}"
        raise SettingsError(f"there is no {PROJECT_FILE} in this folder", where=folder, remedy=remedy)
    os.chdir(folder)
    told = {name for name in _FIELDS if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"}
    given = {name: getattr(settings, name) for name in told}
    return ServeSettings(**{**load_project(Path(PROJECT_FILE)).get("serve", {}), **given})


def _follows(settings: ServeSettings) -> bool:
    """Whether what is promoted on the shelf takes the model's place: not where one was named."""
    return settings.model is None and settings.engine == "in-process"


def _loader(settings: ServeSettings) -> Callable[[str], Engine]:
    """Opens another version as the first one was opened; with a name of its own, under that."""

    def load(version: str) -> Engine:
        limits = {"max_batch": settings.max_batch, "max_waiting": settings.max_waiting}
        engine, how = open_in_process(version, name=settings.name, dtype=settings.dtype, **limits)
        typer.echo(f"loaded {version} ({how})")
        return engine

    return load


def _open(settings: ServeSettings, remote_key: str | None) -> tuple[Engine, str | None, str]:
    """The engine, the version of its model, and how it computes, in words."""
    if settings.remote_url is not None:
        opened = open_remote(settings.remote_url, key=remote_key, model=settings.model, name=settings.name)
        return opened, opened.models()[0], f"by {settings.remote_url}"
    model = settings.model or model_in_service()
    if settings.model is None:
        typer.echo(f"--model is not given; {model} is in service here, or the newest")
    engine, how = open_in_process(
        model, name=settings.name, dtype=settings.dtype, max_batch=settings.max_batch, max_waiting=settings.max_waiting
    )
    return engine, served_name(model), how
