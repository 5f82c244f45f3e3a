"""Trains a small base from scratch by a recipe: tokenizer, corpus, phases, a held-out copying test, checkpoints.

All tokens are targets. It knows recipes, conversations and folders; where conversations come from is passed in.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from dialoop.conversation import Conversation
from dialoop.model.bpe import FORM_TOKENS, SPECIAL_TOKENS, train_tokenizer
from dialoop.training.batches import Batch
from dialoop.training.checkpoint import load_checkpoint, save_checkpoint
from dialoop.training.copy_watch import CopyWatch
from dialoop.training.corpus import Ids, Mixture, encode_all, plain_messages, turn_pieces
from dialoop.training.loop import Progress, take_step
from dialoop.training.optimise import make_optimisers
from dialoop.training.recipe import ModelShape, Recipe

Conversations = Callable[[], Iterable[Conversation]]
"""A source: each call gives its conversations anew."""
_TEMPLATE = Path(__file__).parent.parent / "model" / "templates" / "mini.jinja"
_TURNS = ("<|im_start|>user\n", "<|im_start|>assistant\n", "<|im_start|>tool\n")


def make_tokenizer(recipe: Recipe, sources: dict[str, Conversations], window: int) -> PreTrainedTokenizerFast:
    """A tokenizer trained on up to 3,000 conversations of each source, with the chat template of `mini`."""
    shell = PreTrainedTokenizerFast(tokenizer_object=train_tokenizer([], pieces=0, twins=0))
    shell.chat_template = _TEMPLATE.read_text(encoding="utf-8")
    texts = (
        shell.apply_chat_template(plain_messages(c), tools=c.tools or None, tokenize=False)
        for source in sources.values()
        for c in islice(source(), 3_000)
    )
    trained = train_tokenizer(texts, pieces=recipe.tokenizer.pieces, twins=recipe.tokenizer.twins)
    return PreTrainedTokenizerFast(
        tokenizer_object=trained,
        eos_token=SPECIAL_TOKENS[2],
        pad_token=SPECIAL_TOKENS[0],
        additional_special_tokens=[SPECIAL_TOKENS[1]],
        chat_template=shell.chat_template,
        model_max_length=window,
        clean_up_tokenization_spaces=False,
    )


def make_model(shape: ModelShape, vocabulary: int, *, pad: int, eos: list[int], seed: int) -> Qwen3ForCausalLM:
    """A Qwen3 decoder with random weights."""
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        head_dim=shape.head_width,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.window,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=True,
        pad_token_id=pad,
        eos_token_id=eos,
        bos_token_id=None,
        attn_implementation="eager",
    )
    return Qwen3ForCausalLM(config)


def packed_loss(model: nn.Module, ids: Tensor, mask: Tensor, positions: Tensor, targets: Tensor) -> Tensor:
    """Sum of the negative log-likelihoods (nats) of the target tokens. ids, positions, targets (B, T); mask (B, 1, T, T)."""
    hidden = model.model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False).last_hidden_state
    logits = F.linear(hidden[:, :-1].flatten(0, 1), model.lm_head.weight).float()
    losses = F.cross_entropy(logits, ids[:, 1:].flatten(), reduction="none")
    return (losses * targets[:, 1:].flatten()).sum()


def pretrain(
    recipe: Recipe,
    sources: dict[str, Conversations],
    watched: dict[str, Iterable[Conversation]],
    folder: Path,
    *,
    bf16: bool,
    compiled: bool,
    say: Callable[[str], None] = print,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Run the recipe in `folder`, going on where an earlier run stopped; gives the folder of the finished model.

    `watched` maps a language to held-out conversations for the copying test. Writes `log.jsonl`, `checkpoint/`, `model/`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(recipe, sources, folder, say)
    ids_of = {token: tokenizer.convert_tokens_to_ids(token) for token in (*SPECIAL_TOKENS, *FORM_TOKENS)}
    model = make_model(
        recipe.model,
        len(tokenizer),
        pad=ids_of["<|endoftext|>"],
        eos=[ids_of["<|im_end|>"], ids_of["<|im_end|>\n"], ids_of["<|endoftext|>"]],
        seed=recipe.seed,
    )
    say(f"model: {sum(p.numel() for p in model.parameters()):,} weights; vocabulary {len(tokenizer):,}")
    encoded = _encode(sources, tokenizer, {ids_of[t] for t in _TURNS}, say)
    watch_ids = {lang: [ids for ids, _ in encode_all(cs, tokenizer, set())] for lang, cs in watched.items()}
    watch = CopyWatch(watch_ids, ids_of[FORM_TOKENS[7]], ids_of[FORM_TOKENS[9]], width=1024, rows=8)
    run = _Run(recipe, model, tokenizer, encoded, watch, folder, bf16=bf16, compiled=compiled, say=say, stop=stop)
    run.go()
    return run.finish()


def _tokenizer(
    recipe: Recipe, sources: dict[str, Conversations], folder: Path, say: Callable[[str], None]
) -> PreTrainedTokenizerFast:
    kept = folder / "tokenizer"
    if not kept.exists():
        say("training the tokenizer")
        make_tokenizer(recipe, sources, recipe.model.window).save_pretrained(kept.with_suffix(".writing"))
        kept.with_suffix(".writing").rename(kept)
    return PreTrainedTokenizerFast.from_pretrained(kept)


def _encode(
    sources: dict[str, Conversations],
    tokenizer: PreTrainedTokenizerFast,
    starts: set[int],
    say: Callable[[str], None],
) -> dict[str, list[tuple[Ids, list[int]]]]:
    encoded = {}
    for name, source in sources.items():
        encoded[name] = list(encode_all(source(), tokenizer, starts))
        say(f"{name}: {len(encoded[name]):,} conversations, {sum(len(i) for i, _ in encoded[name]):,} tokens")
    return encoded


class _Run:
    """A run under way: phases in turn, each step logged, a test and a checkpoint every `watch_every` steps."""

    def __init__(
        self,
        recipe: Recipe,
        model: Qwen3ForCausalLM,
        tokenizer: PreTrainedTokenizerFast,
        encoded: dict[str, list[tuple[Ids, list[int]]]],
        watch: CopyWatch,
        folder: Path,
        *,
        bf16: bool,
        compiled: bool,
        say: Callable[[str], None],
        stop: Callable[[], bool],
    ) -> None:
        self.recipe, self.model, self.tokenizer, self.encoded = recipe, model, tokenizer, encoded
        self.watch, self.folder, self.say, self.stop = watch, folder, say, stop
        self.accelerator = Accelerator(mixed_precision="bf16" if bf16 else "no", cpu=not torch.cuda.is_available())
        self.model.to(self.accelerator.device)
        self.optimisers = make_optimisers(model, recipe.optimiser)
        self.progress = Progress()
        self.dtype = torch.bfloat16 if bf16 else torch.float32
        self.loss = torch.compile(packed_loss) if compiled else packed_loss
        self.total = sum(phase.tokens for phase in recipe.phases)

    def go(self) -> None:
        checkpoint = self.folder / "checkpoint"
        begun, skip = 0, 0
        if checkpoint.exists() or checkpoint.with_name("checkpoint.old").exists():
            state = load_checkpoint(checkpoint, self.model, self.optimisers)
            self.progress = Progress(**state["progress"])
            begun, skip = state["phase"], state["phase_steps"]
            self.say(f"going on at step {self.progress.step:,}, {self.progress.tokens:,} tokens")
        before = sum(phase.tokens for phase in self.recipe.phases[:begun])
        for number, phase in enumerate(self.recipe.phases[begun:], start=begun):
            pieces = {
                name: [p for ids, at in self.encoded[name] for p in turn_pieces(ids, at, phase.width)]
                for name in phase.mix
            }
            seed = f"{self.recipe.seed}/{number}"
            mixture = Mixture(pieces, phase.mix, width=phase.width, rows=phase.rows, seed=seed)
            steps = 0
            for rows in mixture:
                if steps < skip:
                    steps += 1
                    continue
                if self.progress.tokens >= before + phase.tokens or self.stop():
                    break
                self._step(mixture.batch(rows), phase.name)
                steps += 1
                if self.progress.step % self.recipe.watch_every == 0:
                    self._look(phase.name, number, steps)
            self._look(phase.name, number, steps)
            if self.stop():
                return
            before += phase.tokens
            skip = 0

    def _step(self, batch: Batch, phase: str) -> None:
        batch = batch.to(self.accelerator.device)
        steps = 1_000_000  # the schedule runs on tokens, not steps: see `done`
        done = self.progress.tokens / self.total
        marker = Progress(int(done * steps), self.progress.tokens, self.progress.targets)
        report = take_step(
            self.accelerator,
            self.model,
            self.optimisers,
            self.recipe.optimiser,
            [batch],
            lambda model, b: self.loss(model, b.ids, b.mask(self.dtype), b.positions, b.targets),
            marker,
            steps,
        )
        self.progress = Progress(self.progress.step + 1, marker.tokens, marker.targets)
        if self.progress.step % 20 == 0:
            self._log(phase=phase, step=self.progress.step, tokens=self.progress.tokens, loss=report.loss,
                      gradient=report.gradient, lr=report.lr, tokens_per_second=round(report.tokens / report.seconds))  # fmt: skip

    def _look(self, phase: str, number: int, steps: int) -> None:
        self.model.eval()
        measured = self.watch.measure(self.accelerator, self.model, self.dtype)
        self.model.train()
        self._log(phase=phase, step=self.progress.step, tokens=self.progress.tokens, copying=measured)
        state = {"progress": vars(self.progress), "phase": number, "phase_steps": steps}
        save_checkpoint(self.folder / "checkpoint", self.model, self.optimisers, state)

    def _log(self, **entry: Any) -> None:
        entry["time"] = round(time.time(), 1)
        line = json.dumps(entry)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self.say(line)

    def finish(self) -> Path:
        """Write the model as it stands, in bf16, beside its tokenizer."""
        target = self.folder / "model"
        beside = target.with_name("model.writing")
        shutil.rmtree(beside, ignore_errors=True)
        state = {k: v.to(torch.bfloat16) for k, v in self.model.state_dict().items()}
        self.model.config.dtype = torch.bfloat16
        self.model.save_pretrained(beside, state_dict=state)
        self.tokenizer.save_pretrained(beside)
        shutil.rmtree(target, ignore_errors=True)
        beside.rename(target)
        return target
