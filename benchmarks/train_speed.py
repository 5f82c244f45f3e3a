"""Target tokens a second of dialoop's loop beside TRL's SFTTrainer: same model, conversations, batches, precision,
threads.

    python benchmarks/train_speed.py --base mini [--data logs.jsonl] [--rounds 3]
    python benchmarks/train_speed.py --tiny

Both take whole epochs over the same sentences, which dialoop makes before the clock starts, so that what is timed is
training alone. The rounds alternate; the medians are told, and their ratio. TRL's settings are told in `trl_steps`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn

from dialoop.conversation import Conversation, read_conversations
from dialoop.model import Base, load_base, takes_rows
from dialoop.model.loss import target_nll
from dialoop.scenarios.copying import make_copying
from dialoop.scenarios.hotel import make_logs
from dialoop.training.allocator import freed_memory_kept
from dialoop.training.batches import Batch, Sample, lay_sentences
from dialoop.training.loop import Gear, mean_loss, take_step
from dialoop.training.material import samples_of
from dialoop.training.optimise import make_optimisers
from dialoop.training.order import portions, steps_of
from dialoop.training.preparing import MOST_POSITIONS
from dialoop.training.schedule import OptimiserSettings
from dialoop.training.sharing import families_among, lay_families, steps_of_families

LR = 1e-4


@dataclass(frozen=True)
class Round:
    """What one side did: seconds and target tokens of its timed epoch; `loss` afterwards over all targets (nats)."""

    seconds: float
    targets: int
    loss: float

    @property
    def speed(self) -> float:
        return self.targets / self.seconds


@dataclass(frozen=True)
class Course:
    """What both sides do: the same samples, so many a step."""

    model: str
    samples: list[Sample]
    batch_size: int
    bf16: bool

    @property
    def targets(self) -> int:
        return sum(sample.count for sample in self.samples)


def fresh(course: Course) -> Base:
    torch.manual_seed(0)
    base = load_base(course.model)
    base.model.train()
    return base


def dialoop_round(course: Course, seed: int) -> Round:
    base = fresh(course)
    settings = OptimiserSettings(lr=LR, schedule="constant", warmup=0.0, beta2=0.999, weight_decay=0.01)
    optimisers = make_optimisers(base.model, settings)
    AcceleratorState._reset_state(reset_partial_state=True)  # what the other side's trainer left behind
    gear = Gear(Accelerator(cpu=True, mixed_precision="no"), bf16=course.bf16)
    began = seconds = 0.0
    for epoch in range(2):
        began = time.perf_counter()
        for batches in dialoop_steps(course, base, seed, epoch):
            take_step(gear, base.model, optimisers, settings, batches, nll, 0.5)
        seconds = time.perf_counter() - began
    return Round(seconds, course.targets, loss_of(base, course))


def dialoop_steps(course: Course, base: Base, seed: int, epoch: int) -> Iterator[list[Batch]]:
    """The batches of each step, as `dialoop tune` makes them: rows of segments where the base takes them."""
    samples, size = course.samples, course.batch_size
    lengths = [len(sample.ids) for sample in samples]
    if takes_rows(base.model):
        families = families_among(samples, range(len(samples)))
        for step in steps_of_families(families, lengths, size, MOST_POSITIONS, seed=seed, epoch=epoch):
            yield [lay_families([samples[i] for i in row]) for row in step]
        return
    pad = int(base.tokenizer.pad_token_id)
    for step in steps_of(lengths, size, MOST_POSITIONS, seed=seed, epoch=epoch):
        yield [lay_sentences([samples[i] for i in portion], pad) for portion in step]


def nll(model: nn.Module, batch: Batch) -> Tensor:
    return target_nll(model, batch.inputs, batch.truth)


def loss_of(base: Base, course: Course) -> float:
    """The loss over all targets of the course, by one and the same measure for both sides.

    The mean of the losses that a trainer logs will not do: it gives every step the same weight, and the two sides put
    other sentences together into a step.
    """
    AcceleratorState._reset_state(reset_partial_state=True)  # what a trainer in bfloat16 left behind
    gear = Gear(Accelerator(cpu=True, mixed_precision="no"), bf16=False)
    lengths = [len(sample.ids) for sample in course.samples]
    pad = int(base.tokenizer.pad_token_id)
    step = portions(range(len(lengths)), lengths, MOST_POSITIONS)
    batches = [lay_sentences([course.samples[i] for i in portion], pad) for portion in step]
    return mean_loss(gear, base.model, batches, nll)


def trl_round(course: Course, seed: int) -> Round:
    """The same by TRL: loss on answers only, like lengths together, fused AdamW, nothing saved or watched."""
    import datasets
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    AcceleratorState._reset_state(reset_partial_state=True)
    base = fresh(course)
    rows = [
        {"input_ids": one.ids.tolist(), "assistant_masks": one.truth.astype(int).tolist()} for one in course.samples
    ]
    clock = epoch_clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=base.model,
            processing_class=base.tokenizer,
            train_dataset=datasets.Dataset.from_list(rows),
            callbacks=[clock],
            args=SFTConfig(
                output_dir=folder,
                use_cpu=True,
                bf16=course.bf16,
                per_device_train_batch_size=course.batch_size,
                num_train_epochs=2,
                learning_rate=LR,
                lr_scheduler_type="constant",
                weight_decay=0.01,
                adam_beta2=0.999,
                optim="adamw_torch_fused",
                train_sampling_strategy="group_by_length",
                gradient_checkpointing=False,
                max_length=None,
                packing=False,
                report_to=[],
                logging_strategy="no",
                save_strategy="no",
                disable_tqdm=True,
                dataloader_num_workers=0,
                dataloader_pin_memory=False,
                seed=seed,
            ),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return Round(clock.seconds, course.targets, loss_of(base, course))


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


def conversations(args: argparse.Namespace) -> Iterator[Conversation]:
    if args.data is not None:
        return islice(read_conversations(args.data), args.conversations)
    half = args.conversations // 2
    return iter([*make_logs(args.conversations - half), *make_copying(half, seed=1)])


def course_of(args: argparse.Namespace, folder: Path) -> Course:
    model = str(tiny(folder)) if args.tiny else args.base
    base = load_base(model)
    side = samples_of(list(conversations(args)), base, base.window)
    counts = side.counts
    print(
        f"{counts.samples} sentences, {counts.tokens:,} tokens, {counts.targets:,} targets;"
        f" {sum(p.numel() for p in base.model.parameters()):,} weights; {torch.get_num_threads()} threads"
    )
    return Course(model, side.samples, args.batch_size, bf16=False)


def tiny(folder: Path) -> Path:
    """A very small random model with the tokenizer of `mini`'s kind, so that the script itself can be tried."""
    from dialoop.training.fresh_base import make_model, make_tokenizer
    from dialoop.training.recipe import ModelShape, Phase, Recipe, TokenizerShape

    shape = ModelShape(hidden=64, layers=2, heads=2, key_value_heads=1, head_width=32, feed_forward=128, window=4096)
    recipe = Recipe(
        name="tiny",
        tokenizer=TokenizerShape(pieces=200, twins=50),
        model=shape,
        phases=[Phase(name="none", width=1, rows=1, tokens=1, mix={})],
    )
    tokenizer = make_tokenizer(recipe, {"copying": lambda: make_copying(50, seed=0)}, shape.window)
    model = make_model(shape, len(tokenizer), pad=tokenizer.pad_token_id, eos=[tokenizer.eos_token_id], seed=0)
    model.save_pretrained(folder / "tiny")
    tokenizer.save_pretrained(folder / "tiny")
    return folder / "tiny"


def faster_precision(course: Course) -> bool:
    """Whether bfloat16 is the faster one for TRL itself, tried on a few steps: the benchmark is run as TRL likes it."""
    few = replace(course, samples=course.samples[: 3 * course.batch_size])
    seconds = {bf16: trl_round(replace(few, bf16=bf16), 0).seconds for bf16 in (True, False)}
    print(f"TRL, a trial: {seconds[True]:.2f} s in bfloat16, {seconds[False]:.2f} s in float32")
    return seconds[True] < seconds[False]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="mini", help="what is trained: mini, a folder or a hub name")
    parser.add_argument("--data", type=Path, help="conversations; else half hotel logs, half copying talk, made up")
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--tiny", action="store_true", help="a very small random model and few conversations: a trial")
    args = parser.parse_args()
    if args.tiny:
        args.conversations = min(args.conversations, 24)
    with freed_memory_kept(), tempfile.TemporaryDirectory() as folder:
        course = course_of(args, Path(folder))
        bf16 = faster_precision(course) if args.precision == "auto" else args.precision == "bfloat16"
        course = replace(course, bf16=bf16)
        print(f"precision: {'bfloat16' if bf16 else 'float32'}; batches of {course.batch_size} sentences")
        ours: list[Round] = []
        theirs: list[Round] = []
        for seed in range(args.rounds):
            ours.append(dialoop_round(course, seed))
            theirs.append(trl_round(course, seed))
            for name, one in (("dialoop", ours[-1]), ("TRL", theirs[-1])):
                told = f"{one.speed:8.0f} targets/s  {one.seconds:6.1f} s  loss {one.loss:.4f}"
                print(f"round {seed + 1}  {name:8} {told}")
    speeds = [statistics.median(one.speed for one in rounds) for rounds in (ours, theirs)]
    losses = [statistics.median(one.loss for one in rounds) for rounds in (ours, theirs)]
    if abs(losses[0] - losses[1]) > 0.02 * losses[1]:
        told = f"the losses after training differ ({losses[0]:.4f}, {losses[1]:.4f}): this was not the same training"
        print(told, file=sys.stderr)
        return 1
    print(f"median   dialoop {speeds[0]:.0f}, TRL {speeds[1]:.0f} targets/s: {speeds[0] / speeds[1]:.2f} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
