"""Gives a verb an option for each setting of a settings model, with its words and its default. It knows no verb."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, cast, get_origin

import typer
from pydantic import BaseModel


def with_settings(model: type[BaseModel]) -> Callable[[Any], Any]:
    """Puts an option for each field of `model` in the place of the verb's `**settings`."""

    def dress(function: Any) -> Any:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[:-1]
        for name, field in model.model_fields.items():
            kind = cast(Any, list[str] if get_origin(field.annotation) is list else field.annotation)
            described: Any = Annotated[kind, typer.Option(help=field.description)]
            option = inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=described
            )
            own.append(option)
        function.__signature__ = inspect.Signature(own)
        function.__annotations__ = {parameter.name: parameter.annotation for parameter in own}
        return function

    return dress


def given(ctx: typer.Context, settings: dict[str, Any]) -> dict[str, Any]:
    """Those of a verb's settings that somebody gave, on the command line or in the project file; default or not."""
    sources = {name: getattr(ctx.get_parameter_source(name), "name", "") for name in settings}
    return {name: value for name, value in settings.items() if sources[name] != "DEFAULT"}
