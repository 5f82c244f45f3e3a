"""What dialoop's loop is timed beside in train_speed.py: TRL's SFTTrainer, transformers' Trainer, and the loop that
guides show.

Each side is a function of a course and a seed, and gives a round. It knows nothing of dialoop's own loop, of processes
or of the command line.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, repeat
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from dialoop.model import Base, load_base
from dialoop.model.loss import target_nll
from dialoop.training.batches import Batch, Sample, lay_sentences
from dialoop.training.order import portions
from dialoop.training.preparing import MOST_POSITIONS

LR = 1e-4


@dataclass(frozen=True)
class Course:
    """What all sides do: the same samples, `batch_size` a step, in float32 or bfloat16.

    `guide_steps`: steps of the guide's loop that are timed, which does no whole epoch and is always in float32.
    """

    model: str
    samples: list[Sample]
    batch_size: int
    bf16: bool
    guide_steps: int

    @property
    def targets(self) -> int:
        """Target tokens of an epoch."""
        return sum(sample.count for sample in self.samples)

    @property
    def first(self) -> list[Sample]:
        """The samples on which all sides must agree before training."""
        return self.samples[: self.batch_size]


@dataclass(frozen=True)
class Round:
    """What one side did: seconds and target tokens of what was timed.

    `before`: its own loss (nats a target, float32) over `Course.first`, taken in the round of seed 0 alone; `after`:
    the loss over all targets by `loss_of`, None where it did another amount of training. `start`, `peak`: the most
    memory (MB) that its process had held when the model was there, and at its last step.
    """

    seconds: float
    targets: int
    before: float | None
    after: float | None
    start: float
    peak: float

    @property
    def speed(self) -> float:
        """Target tokens a second."""
        return self.targets / self.seconds


def fresh(course: Course) -> Base:
    """The model of the course as it was before any training, in training mode."""
    torch.manual_seed(0)
    base = load_base(course.model)
    base.model.train()
    return base


def peak_memory() -> float:
    """The most memory (MB) that this process has held so far; macOS counts in bytes, Linux in units of 1,024."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


@torch.no_grad()
def mean_nll(model: nn.Module, batches: Sequence[Batch]) -> float:
    """The mean loss (nats) over all targets of `batches` in float32 by dialoop's loss; leaves the mode as it was."""
    was_training = model.training
    model.eval()
    total = sum(float(target_nll(model, batch.inputs, batch.truth)) for batch in batches)
    model.train(was_training)
    return total / sum(batch.count for batch in batches)


def loss_of(base: Base, course: Course) -> float:
    """The loss over all targets of the course, by one and the same measure for all sides.

    The mean of the losses that a trainer logs will not do: it gives every step the same weight, and the sides put other
    sentences together into a step. The weights are put into a new model, since trainers wrap what they train.
    """
    clean = fresh(course)
    clean.model.load_state_dict(base.model.state_dict())
    lengths = [len(sample.ids) for sample in course.samples]
    pad = int(base.tokenizer.pad_token_id)
    step = portions(range(len(lengths)), lengths, MOST_POSITIONS)
    return mean_nll(clean.model, [lay_sentences([course.samples[i] for i in portion], pad) for portion in step])


def trl_round(course: Course, seed: int) -> Round:
    """TRL's SFTTrainer as it is fastest on a processor: loss on answers only, like lengths together, fused AdamW."""
    import datasets
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    warnings.filterwarnings("ignore", "`gradient_checkpointing`", FutureWarning)  # the name that TRL still uses
    base = fresh(course)
    rows = [
        {"input_ids": one.ids.tolist(), "assistant_masks": one.truth.astype(int).tolist()} for one in course.samples
    ]
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=base.model,
            processing_class=base.tokenizer,
            train_dataset=datasets.Dataset.from_list(rows),
            args=SFTConfig(
                **usual(course, folder, seed),
                train_sampling_strategy="group_by_length",
                max_length=None,
                packing=False,
                gradient_checkpointing=False,  # TRL's own default is True
            ),
        )
        return trained(course, base, trainer, seed)


def trainer_round(course: Course, seed: int) -> Round:
    """transformers' Trainer as it comes: sentences in random order, padded to the longest of their batch."""
    from transformers import Trainer, TrainingArguments

    base = fresh(course)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=base.model,
            train_dataset=course.samples,
            data_collator=partial(lay_labels, pad=int(base.tokenizer.pad_token_id)),
            args=TrainingArguments(**usual(course, folder, seed), remove_unused_columns=False),
        )
        return trained(course, base, trainer, seed)


def usual(course: Course, folder: str, seed: int) -> dict[str, Any]:
    """What both trainers are told: two epochs, AdamW as dialoop's, nothing saved or watched."""
    return {
        "output_dir": folder,
        "use_cpu": True,
        "bf16": course.bf16,
        "per_device_train_batch_size": course.batch_size,
        "num_train_epochs": 2,
        "learning_rate": LR,
        "lr_scheduler_type": "constant",
        "weight_decay": 0.01,
        "adam_beta2": 0.999,
        "optim": "adamw_torch_fused",
        "report_to": [],
        "logging_strategy": "no",
        "save_strategy": "no",
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": False,
        "seed": seed,
    }


def trained(course: Course, base: Base, trainer: Any, seed: int) -> Round:
    """A round of a trainer of transformers' kind: one epoch to warm up and one that is timed."""
    from transformers import PrinterCallback

    start, before = peak_memory(), None
    if seed == 0:
        base.model.eval()
        with torch.no_grad():
            first = [trainer.train_dataset[i] for i in range(len(course.first))]
            before = float(trainer.compute_loss(base.model, trainer.data_collator(first)))
        base.model.train()
    clock = epoch_clock()
    trainer.add_callback(clock)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    peak = peak_memory()
    return Round(clock.seconds, course.targets, before, loss_of(base, course), start, peak)


def epoch_clock() -> Any:
    """A callback of transformers' Trainer that times the last epoch."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        began = seconds = 0.0

        def on_epoch_begin(self, *args: Any, **more: Any) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, *args: Any, **more: Any) -> None:
            self.seconds = time.perf_counter() - self.began

    return Clock()


def guide_round(course: Course, seed: int) -> Round:
    """The loop that guides show: every answer an example of its own, all padded to the longest, float32, plain AdamW.

    All batches have one shape, so a few steps tell the speed of an epoch: to each is counted the mean of an epoch's
    targets.
    """
    base = fresh(course)
    model, pad = base.model, int(base.tokenizer.pad_token_id)
    examples = turns_of(course.samples)
    start, began = peak_memory(), 0.0
    before = guide_loss(model, turns_of(course.first), course.batch_size, pad) if seed == 0 else None
    width = max(len(example.ids) for example in examples)
    loader: DataLoader[Any] = DataLoader(
        examples,  # type: ignore[arg-type]
        batch_size=course.batch_size,
        shuffle=True,
        drop_last=True,
        generator=torch.Generator().manual_seed(seed),
        collate_fn=partial(lay_labels, pad=pad, width=width),
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=LR)
    for step, batch in enumerate(islice(chain.from_iterable(repeat(loader)), 1 + course.guide_steps)):
        if step == 1:
            began = time.perf_counter()
        model(**batch).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    seconds = time.perf_counter() - began
    targets = round(course.guide_steps * course.batch_size * course.targets / len(examples))
    return Round(seconds, targets, before, None, start, peak_memory())


@torch.no_grad()
def guide_loss(model: nn.Module, examples: Sequence[Sample], batch_size: int, pad: int) -> float:
    """The mean loss (nats) over the targets of `examples` as the model itself gives it; a batch as wide as it must."""
    model.eval()
    total = 0.0
    for at in range(0, len(examples), batch_size):
        some = examples[at : at + batch_size]
        total += float(model(**lay_labels(some, pad)).loss) * sum(one.count for one in some)
    model.train()
    return total / sum(example.count for example in examples)


def turns_of(samples: Sequence[Sample]) -> list[Sample]:
    """Every answer of every sample with all that is before it; only that answer is a target."""
    return [Sample(one.ids[:end], np.arange(end) >= begin) for one in samples for begin, end in answers_of(one)]


def answers_of(sample: Sample) -> Iterator[tuple[int, int]]:
    """The stretches [begin, end) of targets that stand side by side."""
    edges = np.flatnonzero(np.diff(sample.truth.astype(np.int8), prepend=0, append=0))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def lay_labels(samples: Sequence[Sample], pad: int, width: int = 0) -> dict[str, Tensor]:
    """input_ids, attention_mask, labels (B, T), labels -100 outside targets; T: the longest, or `width` if more."""
    laid = lay_sentences(samples, pad)
    more = (0, max(0, width - laid.truth.shape[1]))
    ids, truth = F.pad(laid.inputs["input_ids"], more, value=pad), F.pad(laid.truth, more)
    lengths = torch.tensor([[len(sample.ids)] for sample in samples])
    mask = (torch.arange(ids.shape[1]) < lengths).long()
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(~truth, -100)}
