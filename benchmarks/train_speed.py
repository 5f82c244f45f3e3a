"""Target tokens a second of dialoop's loop beside TRL's SFTTrainer, transformers' Trainer and the loop that guides
show: same model, conversations, batches, precision, threads and allocator.

    python benchmarks/train_speed.py --size 15m [--data logs.jsonl] [--rounds 3]
    python benchmarks/train_speed.py --base mini --peers trl
    python benchmarks/train_speed.py --tiny

Dialoop and the trainers take whole epochs over the same sentences, which dialoop makes before the clock starts, so that
what is timed is training alone: one epoch to warm up, then one by the clock. Every round of every side has a process of
its own, so that its peak memory is its own; the rounds alternate, and medians are told. The peers' settings stand in
train_peers.py. It ends with 1 where a side's loss before training is another than dialoop's, or one after training.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from train_peers import (
    LR,
    Course,
    Round,
    fresh,
    guide_round,
    loss_of,
    mean_nll,
    peak_memory,
    trainer_round,
    trl_round,
)

from dialoop.conversation import Conversation, read_conversations
from dialoop.model import Base, load_base, takes_rows
from dialoop.model.backbone import quietly
from dialoop.model.loss import target_nll
from dialoop.scenarios.copying import make_copying
from dialoop.scenarios.hotel import make_logs
from dialoop.training.allocator import freed_memory_kept
from dialoop.training.batches import Batch, Sample, lay_sentences
from dialoop.training.fresh_base import make_model, make_tokenizer
from dialoop.training.loop import Gear, take_step
from dialoop.training.material import samples_of
from dialoop.training.optimise import make_optimisers
from dialoop.training.order import Step, portions, steps_of
from dialoop.training.preparing import positions_of
from dialoop.training.recipe import ModelShape, Phase, Recipe, TokenizerShape
from dialoop.training.schedule import OptimiserSettings
from dialoop.training.sharing import families_among, lay_families, leads_of, rows_within, steps_of_families

SIZES = {
    "15m": ModelShape(hidden=384, layers=8, heads=6, key_value_heads=2, head_width=64, feed_forward=960),
    "124m": ModelShape(hidden=768, layers=12, heads=12, key_value_heads=4, head_width=64, feed_forward=3584),
}
"""Random-weight Qwen3 decoders, with the 7,824 tokens of `mini`."""
TINY = ModelShape(hidden=64, layers=2, heads=2, key_value_heads=1, head_width=32, feed_forward=128)
SIDES: dict[str, tuple[str, Callable[[Course, int], Round]]] = {
    "trl": ("TRL", trl_round),
    "trainer": ("Trainer", trainer_round),
    "guide": ("guide", guide_round),
}
APART_BEFORE = 1e-4
"""Nats a target by which a side's loss before training may differ from dialoop's."""
APART_AFTER = 0.02
"""The share of dialoop's loss by which a side's may differ after training."""


def dialoop_round(course: Course, seed: int) -> Round:
    """The loop of `dialoop tune`."""
    base = fresh(course)
    settings = OptimiserSettings(lr=LR, schedule="constant", warmup=0.0, beta2=0.999, weight_decay=0.01)
    optimisers = make_optimisers(base.model, settings)
    gear = Gear(Accelerator(cpu=True, mixed_precision="no"), bf16=course.bf16)
    start, began, seconds = peak_memory(), 0.0, 0.0
    before = mean_nll(base.model, first_batches(course, base)) if seed == 0 else None
    for epoch in range(2):
        began = time.perf_counter()
        for batches in dialoop_steps(course, base, seed, epoch):
            take_step(gear, base.model, optimisers, settings, batches, nll, 0.5)
        seconds = time.perf_counter() - began
    peak = peak_memory()
    return Round(seconds, course.targets, before, loss_of(base, course), start, peak)


def dialoop_steps(course: Course, base: Base, seed: int, epoch: int) -> Iterator[list[Batch]]:
    """The batches of each step, as `dialoop tune` makes them: rows of segments where the base takes them."""
    samples, size = course.samples, course.batch_size
    lengths = [len(sample.ids) for sample in samples]
    positions = positions_of(base, max(lengths))
    if takes_rows(base.model):
        families = families_among(samples, range(len(samples)))
        steps = steps_of_families(families, lengths, size, positions, seed=seed, epoch=epoch)
    else:
        steps = steps_of(lengths, size, positions, seed=seed, epoch=epoch)
    for step in steps:
        yield laid(samples, step, base)


def first_batches(course: Course, base: Base) -> list[Batch]:
    """The samples on which all sides must agree, laid as in a step."""
    lengths = [len(sample.ids) for sample in course.first]
    numbers, positions = range(len(lengths)), positions_of(base, max(lengths))
    if takes_rows(base.model):
        leads = leads_of(families_among(course.first, numbers))
        return laid(course.first, rows_within(numbers, lengths, positions, leads), base)
    return laid(course.first, portions(numbers, lengths, positions), base)


def laid(samples: Sequence[Sample], step: Step, base: Base) -> list[Batch]:
    parts = [[samples[i] for i in portion] for portion in step]
    if takes_rows(base.model):
        return [lay_families(part) for part in parts]
    return [lay_sentences(part, int(base.tokenizer.pad_token_id)) for part in parts]


def nll(model: nn.Module, batch: Batch) -> Tensor:
    return target_nll(model, batch.inputs, batch.truth)


def work_of(course: Course, rounds: int) -> list[tuple[float, float]]:
    """For dialoop's timed epoch of each round: the operations that it needs as it lays its rows, and those of all
    sentences whole, without padding.
    """
    base = fresh(course)
    lengths = [len(sample.ids) for sample in course.samples]
    whole = flops(base, sum(lengths), sum(length**2 / 2 for length in lengths), course.targets)
    found = []
    for seed in range(rounds):
        batches = [batch for step in dialoop_steps(course, base, seed, 1) for batch in step]
        tokens = sum(batch.truth.numel() for batch in batches)
        found.append((flops(base, tokens, sum(map(pairs_of, batches)), course.targets), whole))
    return found


def flops(base: Base, tokens: int, pairs: float, targets: int) -> float:
    """Floating-point operations forward and back (Kaplan et al. 2020; Chowdhery et al. 2022, appendix B).

    6 · weights outside the embeddings · tokens + 6 · hidden · vocabulary · targets + 12 · layers · hidden · pairs,
    where `pairs` of a token and one it looks at are sum(length²) / 2, and `hidden` is the width of all heads. What is
    computed twice counts once.
    """
    model: Any = base.model
    config = model.config
    embeddings = {
        id(part.weight): part.weight for part in (model.get_input_embeddings(), model.get_output_embeddings())
    }
    inner: int = sum(p.numel() for p in model.parameters()) - sum(weight.numel() for weight in embeddings.values())
    heads: int = config.num_attention_heads
    width: int = heads * (getattr(config, "head_dim", None) or config.hidden_size // heads)
    output: int = model.get_output_embeddings().weight.numel()
    layers: int = config.num_hidden_layers
    return 6.0 * inner * tokens + 6.0 * output * targets + 12.0 * layers * width * pairs


def pairs_of(batch: Batch) -> float:
    """How many tokens all tokens look at; of its lead, a segment looks at every token."""
    if "segments" not in batch.inputs:
        rows, longest = batch.truth.shape
        return rows * longest**2 / 2
    pairs, lead = 0.0, 0
    for begin, end, goes_on in batch.inputs["segments"].tolist():
        own = end - begin
        lead = lead if goes_on else own
        pairs += own**2 / 2 + (own * lead if goes_on else 0)
    return pairs


def matmul_limits() -> dict[torch.dtype, float]:
    """Operations a second of products of 1,024 x 1,024 matrices on all threads, the best of five half seconds."""
    limits = {}
    for dtype in (torch.float32, torch.bfloat16):
        one, other = (torch.randn(1024, 1024).to(dtype) for _ in range(2))
        times = []
        for _ in range(5):
            began, done = time.perf_counter(), 0
            while time.perf_counter() - began < 0.5:
                one @ other
                done += 1
            times.append((time.perf_counter() - began) / done)
        limits[dtype] = 2 * 1024**3 / min(times)
    return limits


def with_limits(work: Callable[..., Any], *given: Any) -> tuple[Any, dict[torch.dtype, float]]:
    """`work(*given)`, and the limits at this time."""
    return work(*given), matmul_limits()


def alone(work: Callable[..., Any], *given: Any) -> Any:
    """`work(*given)` in a new process, which keeps its freed memory.

    This process does no work of its own: Linux counts the memory of the one that starts a process to the new one's
    peak.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(keeping, work, *given).result()


def keeping(work: Callable[..., Any], *given: Any) -> Any:
    with freed_memory_kept():
        return work(*given)


def conversations(args: argparse.Namespace) -> Iterator[Conversation]:
    if args.data is not None:
        return islice(read_conversations(args.data), args.conversations)
    half = args.conversations // 2
    return iter([*make_logs(args.conversations - half), *make_copying(half, seed=1)])


def course_of(args: argparse.Namespace, folder: Path) -> Course:
    model = args.base if not (args.size or args.tiny) else str(random_model(args, folder))
    base = load_base(model)
    side = samples_of(list(conversations(args)), base, base.window)
    counts = side.counts
    longest = max(len(sample.ids) for sample in side.samples)
    print(
        f"{counts.samples} sentences, {counts.tokens:,} tokens (the longest {longest:,}), {counts.targets:,} targets;"
        f" {sum(p.numel() for p in base.model.parameters()):,} weights; {torch.get_num_threads()} threads",
        flush=True,
    )
    return Course(model, side.samples, args.batch_size, bf16=False, guide_steps=args.guide_steps)


def random_model(args: argparse.Namespace, folder: Path) -> Path:
    """A model of the size asked for with the tokenizer of `mini`, or a very small one, so that the script can be
    tried.
    """
    shape = TINY if args.tiny else SIZES[args.size]
    if args.tiny:
        recipe = Recipe(
            name="tiny",
            tokenizer=TokenizerShape(pieces=200, twins=50),
            model=shape,
            phases=[Phase(name="none", width=1, rows=1, tokens=1, mix={})],
        )
        tokenizer: Any = make_tokenizer(recipe, {"copying": lambda: make_copying(50, seed=0)}, shape.window)
        ends = [tokenizer.eos_token_id]
    else:
        mini = load_base("mini")
        tokenizer, ends = mini.tokenizer, list(mini.eos_ids)
    model = make_model(shape, len(tokenizer), pad=tokenizer.pad_token_id, eos=ends, seed=0)
    with quietly():
        model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder / "model"


def faster_precision(course: Course, peers: Sequence[str]) -> bool:
    """Whether bfloat16 is the faster one for the first trainer among the peers, or else for dialoop: the benchmark is
    run as they like it. Tried on a few steps.
    """
    name, side = next((SIDES[peer] for peer in peers if peer != "guide"), ("dialoop", dialoop_round))
    few = replace(course, samples=course.samples[: 3 * course.batch_size])
    seconds = {bf16: alone(side, replace(few, bf16=bf16), 1).seconds for bf16 in (True, False)}
    print(f"{name}, a trial: {seconds[True]:.2f} s in bfloat16, {seconds[False]:.2f} s in float32")
    return bool(seconds[True] < seconds[False])


def all_rounds(course: Course, peers: Sequence[str], rounds: int) -> dict[str, list[Round]]:
    """The rounds of every side, in turns. Ends the script where a loss before training is another than dialoop's."""
    sides = {"dialoop": dialoop_round, **dict(SIDES[peer] for peer in peers)}
    done: dict[str, list[Round]] = {name: [] for name in sides}
    for seed in range(rounds):
        for name, side in sides.items():
            one = alone(side, course, seed)
            done[name].append(one)
            after = "" if one.after is None else f"  loss {one.after:.4f}"
            memory = f"{one.peak:6.0f} MB ({one.start:.0f} before the first step)"
            print(f"round {seed + 1}  {name:8}{one.speed:9.1f} targets/s {one.seconds:7.1f} s  {memory}{after}")
            before, ours = one.before, done["dialoop"][0].before
            if before is not None and ours is not None and abs(before - ours) > APART_BEFORE:
                sys.exit(f"{name}'s loss before training is {before:.6f}, dialoop's {ours:.6f}: not the same loss")
            sys.stdout.flush()
    return done


def tell_share(course: Course, ours: Sequence[Round], limits: dict[torch.dtype, float]) -> None:
    """What share of the matrix products that the machine can do dialoop did; `limits` are those before the rounds, and
    the better of these and those after them counts.
    """
    works, later = alone(with_limits, work_of, course, len(ours))
    best = {dtype: max(limit, later[dtype]) for dtype, limit in limits.items()}
    told = ", ".join(f"{limit / 1e9:.0f} in {str(dtype).removeprefix('torch.')}" for dtype, limit in best.items())
    print(f"\nmatrix products of this machine, GFLOP/s: {told}")
    limit = best[torch.bfloat16 if course.bf16 else torch.float32]
    for words, which in (("as it lays its rows", 0), ("counting every sentence whole", 1)):
        speed = median(work[which] / one.seconds for work, one in zip(works, ours, strict=True))
        print(f"dialoop {words}: {speed / 1e9:.0f} GFLOP/s, {speed / limit:.0%} of that in the precision used")


def tell_table(done: dict[str, list[Round]]) -> bool:
    """The medians; gives whether all sides that took the same training ended alike. No ratio for one that did not."""
    speed = {name: median(one.speed for one in rounds) for name, rounds in done.items()}
    losses = {name: [one.after for one in rounds if one.after is not None] for name, rounds in done.items()}
    after = {name: median(some) for name, some in losses.items() if some}
    apart = {name for name, loss in after.items() if abs(loss - after["dialoop"]) > APART_AFTER * after["dialoop"]}
    print(f"\n{'side':10}{'targets/s':>10}{'dialoop/side':>14}{'peak MB':>10}{'loss before':>13}{'after':>9}")
    for name, rounds in done.items():
        ratio = "-" if name in apart else f"{speed['dialoop'] / speed[name]:.2f}"
        peak = median(one.peak for one in rounds)
        ended = f"{after[name]:.4f}" if name in after else "-"
        print(f"{name:10}{speed[name]:10.1f}{ratio:>14}{peak:10.0f}{rounds[0].before:13.6f}{ended:>9}")
    for name in sorted(apart):
        told = f"{name}'s loss after training is {after[name]:.4f}, dialoop's {after['dialoop']:.4f}"
        print(f"{told}: this was not the same training", file=sys.stderr)
    return not apart


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--base", default="mini", help="what is trained: mini, a folder or a hub name")
    model.add_argument("--size", choices=SIZES, help="a model with random weights, about so many of them")
    model.add_argument("--tiny", action="store_true", help="a very small random model and few conversations: a trial")
    parser.add_argument("--data", type=Path, help="conversations; else half hotel logs, half copying talk, made up")
    parser.add_argument("--conversations", type=int, default=200, help="the first so many")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--peers", default="trl,trainer,guide", help="beside whom, in this order")
    parser.add_argument(
        "--guide-steps", type=int, default=6, help="steps of the guide's loop that are timed, after one"
    )
    args = parser.parse_args()
    if args.tiny:
        args.conversations = min(args.conversations, 24)
    args.peers = [name for name in args.peers.split(",") if name]
    for name in args.peers:
        if name not in SIDES:
            parser.error(f"--peers: there is no {name!r}; choose among {', '.join(SIDES)}")
    for name in ("batch_size", "rounds", "guide_steps"):
        if getattr(args, name) < 1:
            parser.error(f"--{name.replace('_', '-')}: {getattr(args, name)} is less than 1")
    if args.conversations < args.batch_size:
        parser.error(f"--conversations: {args.conversations} do not fill a batch of {args.batch_size}")
    return args


def main() -> int:
    args = arguments()
    with tempfile.TemporaryDirectory() as folder:
        course, limits = alone(with_limits, course_of, args, Path(folder))
        bf16 = args.precision == "bfloat16"
        if args.precision == "auto":
            bf16 = faster_precision(course, args.peers)
        course = replace(course, bf16=bf16)
        print(f"precision: {'bfloat16' if bf16 else 'float32'}; batches of {course.batch_size} sentences", flush=True)
        done = all_rounds(course, args.peers, args.rounds)
        tell_share(course, done["dialoop"], limits)
    return 0 if tell_table(done) else 1


if __name__ == "__main__":
    sys.exit(main())
