"""`dialoop pretrain`: train the bundled base, or one like it, by a recipe, from scratch or from a base."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dialoop.conversation import Conversation, read_conversations
from dialoop.errors import DataError, SettingsError


def pretrain(
    recipe: Annotated[str, typer.Argument(help="a recipe in YAML, or `mini` for the bundled one")],
    data: Annotated[Path, typer.Option(help="folder with <source>/train.jsonl.gz for each source of the recipe")],
    out: Annotated[Path, typer.Option(help="folder of the run; an unfinished run in it goes on")] = Path("runs/mini"),
    start: Annotated[str, typer.Option(help="begin with this base's weights and tokenizer, not from scratch")] = "",
    bf16: Annotated[bool, typer.Option(help="compute in bfloat16 (fast where the processor has it)")] = True,
    compiled: Annotated[bool, typer.Option(help="compile the step (needs a C++ compiler on a CPU)")] = True,
    track: Annotated[list[str] | None, typer.Option(help="follow the run: tensorboard, mlflow, wandb")] = None,
) -> None:
    """Train a base: tokenizer, phases of the recipe, a held-out copying test at every checkpoint."""
    from dialoop import model
    from dialoop.scenarios.copying import make_copying
    from dialoop.scenarios.services import make_services
    from dialoop.training import checked
    from dialoop.training.pretraining import Way
    from dialoop.training.pretraining import pretrain as run
    from dialoop.training.recipe import read_recipe
    from dialoop.training.stopping import stop_signal

    followed = checked({"track": track}).track
    packaged = Path(model.__file__).parent / "mini" / "recipe.yaml"
    plan = read_recipe(packaged if recipe == "mini" else Path(recipe))
    generators: dict[str, Callable[..., Iterable[Conversation]]]
    generators = {
        "copying": make_copying,
        "long_copying": partial(make_copying, long=True),
        "services": make_services,
    }
    unknown = set(plan.generated) - set(generators)
    if unknown:
        raise SettingsError(f"unknown generator {sorted(unknown)[0]!r}", remedy=f"there are: {', '.join(generators)}")
    sources: dict[str, Callable[[], Iterable[Conversation]]] = {}
    for name in plan.sources:
        if name in plan.generated:
            sources[name] = partial(generators[name], plan.generated[name], seed=plan.seed)
        else:
            sources[name] = _file(data / name / "train.jsonl.gz")
    watched = {lang: make_copying(200, lang=lang, seed=1, part="test") for lang in ("en", "zh")}
    base = model.load_base(start, dtype="float32") if start else None
    with stop_signal() as stop:
        way = Way(bf16=bf16, compiled=compiled, stop=lambda: bool(stop), track=followed)
        folder = run(plan, sources, watched, out, way, base)
    if folder is None:
        typer.echo(f"stopped, and saved; to go on, give the same command again: the run is in {out}", err=True)
        raise typer.Exit(128 + (stop.number or 0))
    typer.echo(str(folder))


def _file(path: Path) -> Callable[[], Iterable[Conversation]]:
    if not path.exists():
        raise DataError("no such file", where=path, remedy="give the folder of the recipe's sources with --data")
    return partial(read_conversations, path)
