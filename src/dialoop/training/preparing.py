"""From a job to all that the loop needs: data read and parted, base loaded, samples made, open settings decided and
said.

It knows files, bases and settings; not how a run goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dialoop.conversation import Split
from dialoop.errors import DataError, RunError, SettingsError
from dialoop.evaluation.calls import ToolsSeen
from dialoop.model import AdapterSettings, Base, Head, head_loss, load_base, spare_rows, takes_rows, unread_calls
from dialoop.model.base import pooling_of
from dialoop.model.heads import is_encoder
from dialoop.training.batches import Batch, Sample, lay_sentences
from dialoop.training.contrast import (
    Contrast,
    begin_at_means,
    contrast_line,
    contrasts,
    few_of_each,
    names_as_texts,
    steps_by_label,
)
from dialoop.training.fresh_values import FreshValues, Words, values_of
from dialoop.training.lessons import LESSONS
from dialoop.training.loop import Gear, LossFunction
from dialoop.training.material import FreshSamples, Records, choose_head, part, read_records, samples_of
from dialoop.training.objective import Objective, objective_of, told_of
from dialoop.training.order import Step, portions, steps_of
from dialoop.training.parts import choose_trained
from dialoop.training.precision import choose_precision
from dialoop.training.preference_settings import GENTLER, PREFERENCE_EPOCHS
from dialoop.training.settings import (
    SENTENCE_BATCH,
    SENTENCE_GENTLER,
    Job,
    TuneSettings,
    default_batch_size,
    default_epochs,
    default_rate,
    sentence_epochs,
)
from dialoop.training.sharing import Family, families_among, lay_families, leads_of, rows_within, steps_of_families
from dialoop.training.side import Counts, Side
from dialoop.training.team import accelerator_for, agreed
from dialoop.training.weighing import TextWeighing, Weighing, weighing_of

_MEMORY = 2 << 30
"""Bytes that the activations of one pass may take, where the device does not tell its own."""
MOST_POSITIONS = 4096
"""Positions of one pass on a processor: more do not make it faster, and take its memory."""
_TRIAL_POSITIONS = 1024


@dataclass(frozen=True)
class Chosen:
    """What the settings left open, decided. `positions`: rows x longest row of one pass; `epochs` as asked or
    decided; `rows`: sentences lie in rows of segments, what they begin with alike once; `processes` train together;
    `stop_on`: the held-out figure that decides.
    """

    epochs: float
    lr: float
    batch_size: int
    look_every: int
    positions: int
    window: int
    precision: str
    device: str
    threads: int
    why: str
    rows: bool = False
    processes: int = 1
    stop_on: str = "loss"


@dataclass(frozen=True)
class Prepared:
    """All that the loop needs."""

    job: Job
    base: Base
    gear: Gear
    train: Side
    held_out: Side
    facts: dict[str, Any]
    tools: ToolsSeen | None
    chosen: Chosen
    lines: list[str]
    values: FreshValues | None = None
    objective: Objective | None = None
    weighing: Weighing | TextWeighing | None = None
    contrasts: bool = False

    def samples_in(self, epoch: int) -> Sequence[Sample]:
        """What is learnt from in an epoch: the samples themselves, or these with fresh values."""
        if self.values is None:
            return self.train.samples
        seed = self.job.tune.seed
        return FreshSamples(self.train, self.base, self.chosen.window, self.values, seed=seed, epoch=epoch)

    def batches(self, samples: Sequence[Sample], step: list[list[int]]) -> list[Batch]:
        """The portions of a step, laid out."""
        pad = int(self.base.tokenizer.pad_token_id)
        kind = self.base.head.kind
        if self.chosen.rows:
            return [lay_families([samples[i] for i in portion]) for portion in step]
        lay = lay_sentences if kind == "generate" else LESSONS[kind].lay
        if self.objective is not None:
            lay = self.objective.lay
        return [lay([samples[i] for i in portion], pad) for portion in step]

    def anchored(self, batches: list[Batch]) -> list[Batch]:
        """The batches of a step or of a look with what the objective compares all of them with, as the model is now."""
        return batches if self.objective is None else self.objective.anchored(batches, self.gear, self.base.model)

    def steps(self, epoch: int) -> list[Step]:
        """The steps of an epoch, every sample to train on once."""
        settings, size = self.job.tune, self.chosen.batch_size
        a_step, seed = size * settings.accumulate, settings.seed
        most = min(size, -(-a_step // self.chosen.processes))
        if self.chosen.rows:
            return steps_of_families(
                self.families, self.lengths, a_step, self.chosen.positions, seed=seed, epoch=epoch, rows=most
            )
        if self.contrasts:
            return steps_by_label(self.train.samples, a_step, self.chosen.positions, seed=seed, epoch=epoch, rows=size)
        return steps_of(self.lengths, a_step, self.chosen.positions, seed=seed, epoch=epoch, rows=most)

    def passes(self, samples: Sequence[Sample]) -> list[Batch]:
        """All samples once, in as few batches as the positions of one pass allow."""
        lengths = [len(sample.ids) for sample in samples]
        if self.chosen.rows:
            families = families_among(samples, range(len(samples)))
            order = [number for family in families for number in family.members]
            return self.batches(samples, rows_within(order, lengths, self.chosen.positions, leads_of(families)))
        return self.batches(samples, portions(range(len(samples)), lengths, self.chosen.positions))

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each sample to train on."""
        return [len(sample.ids) for sample in self.train.samples]

    @cached_property
    def families(self) -> list[Family]:
        """The samples to train on, by what they begin with."""
        return families_among(self.train.samples, range(len(self.train.samples)))

    @property
    def taught(self) -> LossFunction:
        """The loss of the steps: `loss`, with weights, smoothing and contrast where there are these."""
        plain = self.loss if self.weighing is None else self.weighing.loss
        return Contrast(plain).loss if self.contrasts else plain

    @property
    def loss(self) -> LossFunction:
        """The objective's loss; without one, the head's. Looks take it."""
        if self.objective is not None:
            return self.objective.loss
        head = self.base.head
        return lambda model, batch: head_loss(head, model, batch.inputs, batch.truth)


def prepare(job: Job, *, kept: dict[str, Any] | None = None) -> Prepared:
    """Read, load and decide; `kept` is what an earlier part of the same run had chosen.

    Raises DataError, ModelError, SettingsError.
    """
    settings = job.tune
    records = read_records(Path(job.data))
    split, other = part(records, settings.held_out, settings.seed)
    head = choose_head(records, settings.head, split.train, settings)
    pooling, lines = pooling_of(job.base, settings.pooling, head)
    head = head.model_copy(update={"pooling": pooling})
    objective = objective_of(settings, head, records.path)
    torch.manual_seed(settings.seed)
    accelerator = accelerator_for(settings.device, settings.processes)
    base = _loaded(job, head, accelerator.device)
    choose_trained(base.model, settings)
    window = min(base.window, settings.window or base.window)
    make = samples_of if objective is None else objective.samples_of
    train, held_out = (_sided(make, one, base, window, records.path) for one in (split.train, split.held_out))
    if objective is not None:
        objective = objective.for_samples(train, records.path)
    if not train.counts.targets:
        raise DataError(
            "not one token would be learnt: no answer of weight 1 fits the window",
            where=records.path,
            remedy=f"see `dialoop check {records.path} --base {job.base}`",
        )
    contrast = contrasts(settings, head, base.model.config, split.train, records.path)
    if contrast:
        named = samples_of(names_as_texts(head.labels), base, window).samples
        lines.append(contrast_line(len(head.labels), len(train.samples), len(named)))
        train.samples[:0] = named
    weighing = weighing_of(settings, base.head, train.samples)
    lines += [*_spared(base, train, settings), *_unread(base, split.train)]
    base.model.train()
    prepared = Prepared(
        job=job,
        base=base,
        gear=Gear(accelerator, bf16=False),
        train=train,
        held_out=held_out,
        facts=_facts(records, other, split, train.counts, held_out.counts),
        tools=ToolsSeen.of(split.train) if records.conversations else None,
        chosen=_as_begun(kept, settings)
        if kept
        else _open(settings, base, (train, held_out), window, objective, contrast),
        lines=[
            *_lines(records, split, train.counts, held_out.counts),
            *told_of(objective, split.train, train.counts, held_out.counts),
            *([] if weighing is None else weighing.lines()),
            *lines,
        ],
        values=_fresh_values(train, base, settings.fresh_values),
        objective=objective,
        weighing=weighing,
        contrasts=contrast,
    )
    if base.fresh and head.kind == "classify" and not head.multi_label and (contrast or head.pooling == "mean"):
        _begin(prepared)
    return _geared(prepared, decided=kept is not None)


def _as_begun(kept: dict[str, Any], settings: TuneSettings) -> Chosen:
    """What the run had chosen; one of an earlier version had not chosen what decides, but was told it.

    Raises RunError for what no run of this version chooses.
    """
    told = {} if settings.stop_on == "auto" else {"stop_on": settings.stop_on}
    try:
        return Chosen(**{**told, **kept})
    except TypeError as error:
        raise RunError(
            f"`chosen` in run.json is not what this version chooses: {error}",
            remedy="go on with the version of dialoop that began the run, or begin a new one",
        ) from error


def _loaded(job: Job, head: Head, device: torch.device) -> Base:
    settings = job.tune
    base = load_base(
        job.base,
        head=head,
        dropout=settings.dropout,
        adapter=_adapter(settings),
        template=None if settings.template == "auto" else settings.template,
        device=device,
    )
    if settings.base_share and base.fresh:
        raise SettingsError(
            f"base_share keeps some of what the base's weights were, and the {head.kind} head's are new",
            remedy="leave --base-share out, or give a base that has the head",
        )
    return base


def _sided(
    make: Callable[[Sequence[Any], Base, int], Side], some: Sequence[Any], base: Base, window: int, path: Path
) -> Side:
    """The samples of one side. What is refused names the file."""
    try:
        return make(some, base, window)
    except DataError as error:
        raise DataError(error.what, where=error.where or path, remedy=error.remedy) from error


def _begin(prepared: Prepared) -> None:
    """Let the head begin at its labels' means."""
    samples = few_of_each(prepared.train.samples)
    lengths = [len(sample.ids) for sample in samples]
    parted = portions(range(len(samples)), lengths, prepared.chosen.positions)
    begin_at_means(prepared.base.model, prepared.batches(samples, parted), prepared.gear.device)


def _spared(base: Base, train: Side, settings: TuneSettings) -> list[str]:
    """Spare the output rows of tokens that are hardly ever a target, and say so where there are such.

    New tokens and those that end an answer are to be learnt however few there are. With fresh values any token may
    become one; a loss that compares answers has no such rows.
    """
    if base.head.kind != "generate" or not settings.spare_rare or settings.compares or settings.fresh_values:
        return []
    targets = np.concatenate([sample.ids[sample.truth.astype(bool)] for sample in train.samples])
    tokens, counts = np.unique(targets, return_counts=True)
    taught = tokens[counts * 1_000_000 >= settings.spare_rare * len(targets)]
    spared = spare_rows(base.model, [*taught.tolist(), *base.new_tokens, *base.eos_ids])
    line = (
        f"{spared:,} tokens are fewer than {settings.spare_rare} in a million targets: their output rows are left alone"
    )
    return [line] if spared else []


def _unread(base: Base, train: Sequence[Any]) -> list[str]:
    return unread_calls(train, base.tokenizer) if base.head.kind == "generate" else []


def _fresh_values(train: Side, base: Base, share: float) -> FreshValues | None:
    """None where nothing is to be replaced, or no conversation holds a value that can be."""
    if not share or not any(values_of(conversation) for conversation, _ in train.origins):
        return None
    return FreshValues(Words.of(base.tokenizer), share)


def _fresh_told(prepared: Prepared) -> list[str]:
    share = prepared.job.tune.fresh_values
    if not share:
        return []
    if prepared.values is None:
        return ["no value that a call copies was found: fresh_values changes nothing, and what stands there is learnt"]
    return [
        f"{share:.0%} of the values that calls copy are replaced by made-up ones, anew in each epoch: copying is"
        " learnt, and not the values"
    ]


def _geared(prepared: Prepared, *, decided: bool) -> Prepared:
    """With the precision chosen, and the same number of threads as before."""
    chosen = prepared.chosen
    if decided:
        torch.set_num_threads(chosen.threads)
    else:
        lengths = prepared.lengths
        first = portions(range(len(lengths)), lengths, _TRIAL_POSITIONS)[-1]
        batch = prepared.batches(prepared.train.samples, [first])[0]
        choice = choose_precision(prepared.job.tune.precision, prepared.gear, prepared.base.model, batch, prepared.loss)
        chosen = replace(chosen, precision=choice.name, why=choice.why, processes=prepared.gear.processes)
    if chosen.processes != prepared.gear.processes:
        raise SettingsError(
            f"the run was begun with {chosen.processes} processes, and these are {prepared.gear.processes}",
            remedy=f"go on with {chosen.processes}: the steps are parted by them",
        )
    chosen = agreed(prepared.gear.accelerator, chosen)
    gear = replace(prepared.gear, bf16=chosen.precision == "bfloat16")
    return replace(prepared, chosen=chosen, gear=gear, lines=[*prepared.lines, *_told(prepared, chosen)])


def _open(
    settings: TuneSettings,
    base: Base,
    sides: tuple[Side, Side],
    window: int,
    objective: Objective | None,
    contrast: bool,
) -> Chosen:
    """Decide what the settings leave open; the precision follows. `sides`: what is learnt from, and held out."""
    train, held_out = sides
    weights = sum(p.numel() for p in base.model.parameters())
    sentence = contrast or base.head.pooling == "mean"
    encoder = is_encoder(base.model.config) and not sentence
    rate = default_rate(weights, adapter=settings.adapter, optimiser=settings.optimiser, encoder=encoder)
    epochs: float = default_epochs(len(train.samples))
    batch_size = settings.batch_size or max(settings.fewest_a_step, default_batch_size(len(train.samples)))
    if settings.compares:
        epochs, rate = PREFERENCE_EPOCHS, GENTLER * rate
    elif sentence:
        epochs, rate = sentence_epochs(len(train.samples)), SENTENCE_GENTLER * rate
        batch_size = settings.batch_size or min(SENTENCE_BATCH, len(train.samples))
    return Chosen(
        epochs=settings.epochs or epochs,
        lr=settings.lr or rate,
        batch_size=batch_size,
        look_every=settings.look_every or min(250, -(-len(train.samples) // (batch_size * settings.accumulate))),
        positions=positions_of(base, max(len(sample.ids) for sample in train.samples)),
        window=window,
        precision="float32",
        device=str(base.device),
        threads=torch.get_num_threads(),
        why="",
        rows=objective is None and base.head.kind == "generate" and takes_rows(base.model),
        stop_on=_stop_on(settings, base.head, held_out),
    )


def _stop_on(settings: TuneSettings, head: Head, held_out: Side) -> str:
    """What decides. A classifier that grows surer than it is right loses by its loss and gains in accuracy; how sure it
    may be is put right afterwards, by temperature.
    """
    if settings.stop_on != "auto":
        return settings.stop_on
    one_label = head.kind == "classify" and not head.multi_label
    return "accuracy" if one_label and held_out.samples else "loss"


def positions_of(base: Base, longest: int) -> int:
    """How many positions a pass may have, by a rough count of what the activations of a layer take."""
    config: Any = base.model.config
    position = 100 * getattr(config, "num_hidden_layers", 12) * getattr(config, "hidden_size", 768)  # bytes
    if base.device.type == "cuda":
        return max(longest, min(16 * MOST_POSITIONS, torch.cuda.mem_get_info(base.device)[0] // 3 // position))
    return max(longest, min(MOST_POSITIONS, _MEMORY // position))


def _adapter(settings: TuneSettings) -> AdapterSettings | None:
    if settings.adapter == "none":
        return None
    return AdapterSettings(
        kind=settings.adapter, r=settings.lora_rank, alpha=settings.lora_alpha, dropout=settings.lora_dropout
    )


def _facts(
    records: Records, other: Records | None, split: Split[Any], train: Counts, held_out: Counts
) -> dict[str, Any]:
    """What `data.json` keeps."""
    files = [records] if other is None else [records, other]
    return {
        "files": [
            {"path": str(one.path), "form": one.form, "sha256": one.sha256, "records": len(one)} for one in files
        ],
        "languages": sorted({item.lang for item in (*split.train, *split.held_out) if item.lang}),
        "split": {
            "by": "hash" if other is None else "file",
            "note": split.note,
            "held_out": [getattr(item, "id", None) or str(getattr(item, "place", "")) for item in split.held_out],
        },
        "train": asdict(train),
        "held_out": asdict(held_out),
    }


def _lines(records: Records, split: Split[Any], train: Counts, held_out: Counts) -> list[str]:
    """What a person is told of the data."""
    noun = "conversations" if records.conversations else "labelled texts"
    lines = [
        f"{records.path}: {records.form}: {len(records):,} {noun};"
        f" {train.records:,} to train on, {held_out.records:,} held out"
    ]
    if split.note:
        lines.append(split.note)
    lines.append(f"to learn: {train.targets:,} targets among {train.tokens:,} tokens")
    for name, counts in (("train", train), ("held out", held_out)):
        for count, what in (
            (counts.turns_left_out, "turns at the front are beyond the window and not shown"),
            (counts.answers_lost, "answers do not fit the window, or the template cannot ask for them: not taught"),
            (counts.without_targets, "conversations have no answer to learn and are left out"),
            (counts.texts_cut, "texts are longer than the window and cut at their ends"),
            (counts.texts_in_windows, "texts are longer than the window and learnt in windows that overlap"),
            (counts.spans_overlapping, "spans overlap a longer one, or one that begins before, and are not taught"),
            (counts.spans_inexact, "spans begin or end within a token and are taught as the whole of it"),
            (counts.unknown_labels, "texts have a label that training does not have and are left out"),
        ):
            if count:
                lines.append(f"{name}: {count:,} {what}")
    return lines


def _rows_told(prepared: Prepared, chosen: Chosen) -> list[str]:
    """Whether sentences lie in rows of segments; nothing where they never do."""
    if prepared.objective is not None or prepared.base.head.kind != "generate":
        return []
    if chosen.rows:
        return ["what the conversations of a step begin with alike is computed once"]
    return [f"batches are padded: {prepared.base.name} takes no rows of segments here (docs/training.md, Speed)"]


def _told(prepared: Prepared, chosen: Chosen) -> list[str]:
    """What a person is told of base and choices."""
    base = prepared.base
    model: Any = base.model
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    weights = sum(p.numel() for p in model.parameters())
    share = "all trained" if trained == weights else f"{trained:,} of them ({trained / weights:.1%}) trained"
    labels = f" {len(base.head.labels)} labels" if base.head.labels else ""
    fresh = _fresh_told(prepared)
    times = prepared.job.tune.accumulate
    a_step = f"{chosen.batch_size}" if times == 1 else f"{times} times {chosen.batch_size}"
    untaught = (
        [f"{len(base.new_tokens)} tokens are new to {base.name}, and their embeddings are frozen: they are not learnt"]
        if base.new_tokens and not any(p.requires_grad for p in model.get_input_embeddings().parameters())
        else []
    )
    return [
        *fresh,
        *untaught,
        *_rows_told(prepared, chosen),
        f"{base.name}: {weights:,} weights, {share}; {base.head.kind}{labels}; window {chosen.window:,} tokens",
        f"{chosen.epochs:g} epochs, {a_step} a step, learning rate {chosen.lr:.1e};"
        f" {chosen.precision} on {chosen.device}" + (f" ({chosen.why})" if chosen.why else ""),
    ]
