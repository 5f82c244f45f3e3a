"""Trains a small base by a recipe: tokenizer, corpus, phases, a held-out copying test, checkpoints.

It knows recipes, conversations and folders; where conversations come from is passed in.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from dialoop.conversation import Conversation
from dialoop.errors import SettingsError
from dialoop.model import Base
from dialoop.model.backbone import quietly
from dialoop.model.bpe import FORM_TOKENS, SPECIAL_TOKENS
from dialoop.model.folder import written_whole
from dialoop.training.allocator import freed_memory_kept
from dialoop.training.batches import Batch
from dialoop.training.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from dialoop.training.copy_watch import CopyWatch
from dialoop.training.corpus import Ids, Mixture, answers, encode_all, first_turns
from dialoop.training.fresh_base import Conversations, make_model, make_tokenizer
from dialoop.training.loop import Gear, Progress, take_step
from dialoop.training.optimise import make_optimisers
from dialoop.training.packing import Packed
from dialoop.training.recipe import Phase, Recipe
from dialoop.training.run_folder import writing
from dialoop.training.tracking import Tracking, flat, refuse_missing, tracked

Encoded = dict[str, list[tuple[Ids, list[int]]]]
"""Source → conversations as ids, each with the offsets of its turns."""
_TURNS = ("<|im_start|>user\n", "<|im_start|>assistant\n", "<|im_start|>tool\n")
_LOG_EVERY = 20
"""Steps."""


@dataclass(frozen=True)
class Way:
    """How a recipe is run: in bfloat16 or float32, compiled or not; what is said, whether to stop now, and the trackers
    by which the run is followed.
    """

    bf16: bool
    compiled: bool
    say: Callable[[str], None] = print
    stop: Callable[[], bool] = lambda: False
    track: Sequence[str] = ()


def pretrain(
    recipe: Recipe,
    sources: Mapping[str, Conversations],
    watched: Mapping[str, Iterable[Conversation]],
    folder: Path,
    way: Way,
    start: Base | None = None,
) -> Path | None:
    """Run the recipe in `folder`, going on where an earlier run stopped; gives the folder of the model, None if
    stopped.

    The weights are random at first, or those of `start`: its tokenizer is then kept, its sizes must be the recipe's.
    `watched` maps a language to held-out conversations for the copying test. Writes `log.jsonl`, `checkpoint/`,
    `model/`.
    Raises RunError where that cannot be written or gone on with, SettingsError for a tracker that is not installed.
    """
    refuse_missing(way.track)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = _tokenizer(recipe, sources, folder, way.say, start)
    vocabulary = tokenizer.get_vocab()
    ids_of = {token: vocabulary[token] for token in (*SPECIAL_TOKENS, *FORM_TOKENS)}
    model = make_model(
        recipe.model,
        len(tokenizer),
        pad=ids_of["<|endoftext|>"],
        eos=[ids_of["<|im_end|>"], ids_of["<|im_end|>\n"], ids_of["<|endoftext|>"]],
        seed=recipe.seed,
    )
    if start is not None:
        _take_weights(model, start)
    way.say(f"model: {sum(p.numel() for p in model.parameters()):,} weights; vocabulary {len(tokenizer):,}")
    encoded = _encode(sources, tokenizer, {ids_of[t] for t in _TURNS}, way.say)
    watch_ids = {lang: [ids for ids, _ in encode_all(cs, tokenizer, set())] for lang, cs in watched.items()}
    watch = CopyWatch(watch_ids, ids_of[FORM_TOKENS[7]], ids_of[FORM_TOKENS[9]], width=1024, rows=8)
    marks = ids_of[_TURNS[1]], ids_of["<|im_end|>\n"]
    following = tracked(way.track, folder, flat(recipe.model_dump(mode="json")), way.say)
    with freed_memory_kept(), following as tracking:
        run = _Run(recipe, model, encoded, watch, marks, folder, way, tracking)
        ended = run.go()
        if ended:
            tracking.end("done", {"result/steps": run.progress.step, "result/tokens": run.progress.tokens})
    return _finish(model, tokenizer, folder) if ended else None


def hidden_states(model: Any, ids: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
    """(B, T, hidden) of the last layer. ids, positions (B, T); mask (B, 1, T, T). Every batch has one shape, so this
    compiles.
    """
    states: Tensor = model.model(
        input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False
    ).last_hidden_state
    return states


def packed_loss(
    model: Any, batch: Batch, hidden: Callable[[Any, Tensor, Tensor, Tensor], Tensor] = hidden_states
) -> Tensor:
    """Sum of the negative log-likelihoods (nats) of the target tokens; logits are made at those alone."""
    ids, wanted = batch.inputs["input_ids"], batch.truth[:, 1:]
    states = hidden(model, ids, batch.inputs["attention_mask"], batch.inputs["position_ids"])
    logits = F.linear(states[:, :-1][wanted], model.lm_head.weight).float()
    return F.cross_entropy(logits, ids[:, 1:][wanted], reduction="sum")


def _tokenizer(
    recipe: Recipe,
    sources: Mapping[str, Conversations],
    folder: Path,
    say: Callable[[str], None],
    start: Base | None,
) -> PreTrainedTokenizerFast:
    kept = folder / "tokenizer"
    if not kept.exists():
        say("training the tokenizer" if start is None else f"the tokenizer of {start.name}")
        beside = kept.with_suffix(".writing")
        shutil.rmtree(beside, ignore_errors=True)
        first = make_tokenizer(recipe, sources, recipe.model.window) if start is None else start.tokenizer
        first.save_pretrained(beside)
        beside.rename(kept)
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(kept)
    return tokenizer


def _take_weights(model: nn.Module, start: Base) -> None:
    try:
        model.load_state_dict(start.model.state_dict())
    except RuntimeError as error:
        raise SettingsError(
            f"the weights of {start.name} do not fit the recipe's model: {str(error).splitlines()[-1].strip()}",
            remedy="give the recipe the sizes of the base that it starts from",
        ) from error


def _encode(
    sources: Mapping[str, Conversations],
    tokenizer: PreTrainedTokenizerFast,
    starts: set[int],
    say: Callable[[str], None],
) -> Encoded:
    encoded = {}
    for name, source in sources.items():
        encoded[name] = list(encode_all(source(), tokenizer, starts))
        say(f"{name}: {len(encoded[name]):,} conversations, {sum(len(i) for i, _ in encoded[name]):,} tokens")
    return encoded


class _Run:
    """A run under way: phases in turn, steps logged, a test and a checkpoint every `watch_every` steps."""

    def __init__(
        self,
        recipe: Recipe,
        model: nn.Module,
        encoded: Encoded,
        watch: CopyWatch,
        marks: tuple[int, int],
        folder: Path,
        way: Way,
        tracking: Tracking,
    ) -> None:
        """`marks`: the ids that begin and end what an assistant writes."""
        self.recipe, self.model, self.encoded = recipe, model, encoded
        self.watch, self.folder, self.way, self.tracking = watch, folder, way, tracking
        self.gear = Gear(Accelerator(mixed_precision="no"), bf16=way.bf16)
        self.model.to(self.gear.device)
        self.optimisers = make_optimisers(model, recipe.optimiser)
        self.progress = Progress()
        self.hidden_states = torch.compile(hidden_states) if way.compiled else hidden_states
        self.answers = partial(answers, begin=marks[0], end=marks[1])
        self.total = sum(phase.tokens for phase in recipe.phases)

    def go(self) -> bool:
        """All phases that are left; whether the last one came to its end."""
        begun, skip = self._resume()
        before = sum(phase.tokens for phase in self.recipe.phases[:begun])
        for number, phase in enumerate(self.recipe.phases[begun:], start=begun):
            if not self._phase(number, phase, until=before + phase.tokens, skip=skip):
                return False
            before += phase.tokens
            skip = 0
        return True

    def _resume(self) -> tuple[int, int]:
        """The phase to go on with, and its steps that have been taken."""
        checkpoint = self.folder / "checkpoint"
        if not has_checkpoint(checkpoint):
            return 0, 0
        state = load_checkpoint(checkpoint, self.model, self.optimisers)
        self.progress = Progress(**state["progress"])
        self.way.say(f"going on at step {self.progress.step:,}, {self.progress.tokens:,} tokens")
        return state["phase"], state["phase_steps"]

    def _phase(self, number: int, phase: Phase, *, until: int, skip: int) -> bool:
        """Steps of a phase but for the first `skip`, until so many tokens were seen; False if it was stopped before."""
        pieces = {name: [first_turns(ids, at, phase.width) for ids, at in self.encoded[name]] for name in phase.mix}
        targets = self.answers if phase.targets == "answers" else None
        seed = f"{self.recipe.seed}/{number}"
        mixture = Mixture(pieces, phase.mix, width=phase.width, rows=phase.rows, seed=seed)
        for steps, rows in enumerate(mixture):
            if steps < skip:
                continue
            if self.progress.tokens >= until or self.way.stop():
                self._look(phase.name, number, steps)
                break
            self._step(mixture.batch(rows, targets), phase.name)
            if self.progress.step % self.recipe.watch_every == 0:
                self._look(phase.name, number, steps + 1)
        return self.progress.tokens >= until

    def _step(self, rows: Packed, phase: str) -> None:
        report = take_step(
            self.gear,
            self.model,
            self.optimisers,
            self.recipe.optimiser,
            [rows.to(self.gear.device).batch(self.gear.dtype)],
            self._loss,
            self.progress.tokens / self.total,
        )
        self.progress.add(report)
        if self.progress.step % _LOG_EVERY == 0:
            self._log(
                phase=phase,
                step=self.progress.step,
                tokens=self.progress.tokens,
                loss=report.loss,
                gradient=report.gradient,
                lr=report.lr,
                tokens_per_second=round(report.tokens / report.seconds),
            )

    def _loss(self, model: nn.Module, batch: Batch) -> Tensor:
        return packed_loss(model, batch, self.hidden_states)

    def _look(self, phase: str, number: int, steps: int) -> None:
        self.model.eval()
        measured = self.watch.measure(self.gear, self.model)
        self.model.train()
        self._log(phase=phase, step=self.progress.step, tokens=self.progress.tokens, copying=measured)
        state = {"progress": vars(self.progress), "phase": number, "phase_steps": steps}
        save_checkpoint(self.folder / "checkpoint", self.model, self.optimisers, state)

    def _log(self, **entry: Any) -> None:
        entry["time"] = round(time.time(), 1)
        line = json.dumps(entry)
        path = self.folder / "log.jsonl"
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self.way.say(line)
        self.tracking.note(entry)


def _finish(model: Any, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Path:
    """Write the model as it stands, in bfloat16, beside its tokenizer."""
    target = folder / "model"
    with written_whole(target) as beside, quietly():
        model.to(torch.bfloat16).save_pretrained(beside)
        tokenizer.save_pretrained(beside)
    return target
