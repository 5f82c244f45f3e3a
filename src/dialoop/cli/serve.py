"""`dialoop serve`: a model over HTTP, OpenAI-compatible. Thin: settings to socket, engine and application."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from dialoop.cli.engines import Dtype, key_from, newest_model, open_in_process, open_remote
from dialoop.engine import Engine
from dialoop.errors import SettingsError
from dialoop.server import ServeSettings, address_of, build_app, listen, serve_app

_FIELDS = ServeSettings.model_fields


def _option(field: str, *words: str, **more: Any) -> Any:
    """An option that is described where its setting is."""
    return typer.Option(*words, help=_FIELDS[field].description, **more)


def serve(
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
) -> None:
    """Serve a model over HTTP, in OpenAI's protocol, until Ctrl-C."""
    settings = ServeSettings(
        model=model, name=name, host=host, port=port, engine=engine, dtype=dtype,
        remote_url=remote_url, max_batch=max_batch, max_waiting=max_waiting, temperature=temperature,
        max_tokens=max_tokens, max_body_mib=max_body_mib,
    )  # fmt: skip
    if (engine == "remote") != (remote_url is not None):
        raise SettingsError("--engine remote and --remote-url belong together", remedy="give both or neither")
    key, remote_key = key_from(api_key_env), key_from(remote_key_env)
    with listen(host, port) as listening:
        opened, how = _open(settings, remote_key)
        told = f"serving {', '.join(opened.models())} at {address_of(listening)}/v1 ({how}); Ctrl-C ends it"
        typer.echo(told)
        if key is None and host not in ("127.0.0.1", "localhost", "::1"):
            typer.echo("dialoop: anybody who reaches this address can use it: --api-key-env asks for a key", err=True)
        serve_app(build_app([opened], settings, api_key=key), listening)
    typer.echo("ended")


def _open(settings: ServeSettings, remote_key: str | None) -> tuple[Engine, str]:
    if settings.remote_url is not None:
        opened = open_remote(settings.remote_url, key=remote_key, model=settings.model, name=settings.name)
        return opened, f"by {settings.remote_url}"
    model = settings.model or newest_model()
    if settings.model is None:
        typer.echo(f"--model is not given; {model} is the newest here")
    return open_in_process(
        model, name=settings.name, dtype=settings.dtype, max_batch=settings.max_batch, max_waiting=settings.max_waiting
    )
