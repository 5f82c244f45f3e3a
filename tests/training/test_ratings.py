"""Learning from ratings: KTO's loss by hand, what becomes a sample, the reference point, whole runs on tiny bases."""

import json
import math
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from hypothesis import given
from hypothesis import strategies as st

from dialoop.conversation import Conversation, write_conversations
from dialoop.errors import DataError, RunError, SettingsError
from dialoop.model import load_base, loss
from dialoop.training import Job, TuneSettings, resume, tune
from dialoop.training.loop import Gear
from dialoop.training.preference import log_probs
from dialoop.training.preference_loss import balanced_weights, kto_anchor, kto_loss
from dialoop.training.preparing import prepare
from dialoop.training.ratings import Judged, JudgedBatch, Kto

from .test_resume import Stop, told
from .test_tuning import Lines

FAST = {"precision": "float32", "device": "cpu", "objective": "kto"}
_COLOURS = ("red", "blue", "green", "white", "black", "brown", "grey", "pink")


def talk(name: str, *turns: tuple[str, str, float | None], **last) -> Conversation:
    """A conversation of questions, answers and their ratings; `last` is of its last message."""
    messages: list[dict] = []
    notes = []
    for question, answer, rating in turns:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        if rating is not None:
            notes.append({"index": len(messages) - 1, "rating": rating})
    messages[-1] |= last
    return Conversation.model_validate({"id": name, "messages": messages, "annotations": {"messages": notes}})


def rated(count: int, *, plain: bool = False, seed: int = 0) -> list[Conversation]:
    """Polite answers that were liked and rude ones that were not, to questions of their own; `plain`: an unrated turn
    before.
    """
    made = []
    for number in range(count):
        colour = _COLOURS[(number + seed) % len(_COLOURS)]
        good = number % 2 == 0
        said = f"Please wait, {colour}." if good else f"Go away, {colour}!"
        turns = [(f"Is room {number + 100 * seed} {colour}?", said, 1.0 if good else -1.0)]
        hello = [("Hello", "Good day.", None)] if plain else []
        made.append(talk(f"rated-{seed}-{number}", *hello, *turns))
    return made


def rated_file(folder: Path, count: int = 24, *, plain: bool = False) -> Path:
    write_conversations(folder / "rated.jsonl", rated(count, plain=plain))
    return folder / "rated.jsonl"


def job(data: Path, base: Path, **values) -> Job:
    return Job(data=str(data), base=str(base), tune=TuneSettings.model_validate(FAST | values))


def plain_gear() -> Gear:
    return Gear(Accelerator(cpu=True, mixed_precision="no"), bf16=False)


def nats(model, row) -> torch.Tensor:
    """Log p of a row's targets from full logits, in float64."""
    ids, truth = torch.tensor(row.ids, dtype=torch.long)[None], torch.tensor(row.truth)
    found = F.log_softmax(model(input_ids=ids).logits[0].double(), dim=-1)
    return sum(found[place - 1, ids[0, place]] for place in truth.nonzero()[:, 0])


def text(base, row, *, targets: bool) -> str:
    return base.tokenizer.decode([id_ for id_, taught in zip(row.ids, row.truth, strict=True) if taught == targets])


def test_the_loss_is_that_of_hand_computed_numbers():
    changes = torch.tensor([2.0, -1.0, 2.0, -1.0], dtype=torch.float64)
    good = torch.tensor([True, True, False, False])
    found = kto_loss(changes, good, anchor=1.0, beta=math.log(3), weights=(2.0, 0.5))
    # beta (r - z0) is ln 3 and -2 ln 3, whose sigmoids are 3/4 and 1/10; the other way round 1/4 and 9/10
    torch.testing.assert_close(found, torch.tensor([0.5, 1.8, 0.375, 0.05], dtype=torch.float64), rtol=0, atol=1e-15)
    assert kto_anchor(np.array([3.0, -1.0])) == 1.0
    assert kto_anchor(np.array([1.0, -3.0])) == 0.0


@pytest.mark.parametrize(
    ("good", "bad", "asked", "weights"),
    [
        (10, 10, (None, None), (1, 1)),
        (40, 30, (None, None), (1, 1)),
        (10, 40, (None, None), (4, 1)),
        (80, 30, (None, None), (1, 2)),
        (10, 40, (1.0, 1.0), (1, 1)),
        (10, 40, (None, 0.5), (2, 0.5)),
        (40, 10, (None, 1.0), (1 / 3, 1)),
        (10, 40, (2.0, None), (2, 0.5)),
        (40, 10, (0.1, None), (0.1, 0.4)),
    ],
)
def test_weights_balance_good_and_bad_answers(good, bad, asked, weights):
    assert balanced_weights(good, bad, *asked) == pytest.approx(weights)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_left_open_weights_are_in_the_papers_range(good: int, bad: int):
    desirable, undesirable = balanced_weights(good, bad, None, None)
    assert 1 - 1e-9 <= good * desirable / (bad * undesirable) <= 4 / 3 + 1e-9
    assert min(desirable, undesirable) == 1


@pytest.mark.parametrize("kind", ["gpt2", "qwen3"])
@pytest.mark.parametrize("nll_weight", [0.0, 0.5])
def test_loss_and_gradient_are_those_of_the_plain_formula(kind, nll_weight, bases, monkeypatch):
    base = load_base(str(bases[kind]))
    gear = plain_gear()
    kto = Kto(beta=0.3, nll_weight=nll_weight, desirable=1.5, undesirable=0.7)
    samples = kto.samples_of(rated(4, plain=True), base, base.window).samples
    judged = [sample for sample in samples if isinstance(sample, Judged)]
    plain = [sample for sample in samples if not isinstance(sample, Judged)]
    assert (len(judged), len(plain)) == (4, 4 if nll_weight else 0)
    base.model.eval()
    shifts = [(1.0, -4.0), (-2.0, -3.0), (0.5, 1.0), (3.0, -2.0)]
    with torch.no_grad():  # what the base "had said": so far away that the reference point is above 0
        known = [
            (float(nats(base.model, one.own)) + own, float(nats(base.model, one.other)) + other)
            for one, (own, other) in zip(judged, shifts, strict=True)
        ]
    anchor = 2.0
    wanted = torch.zeros((), dtype=torch.float64)
    for one, (own, _) in zip(judged, known, strict=True):
        change = nats(base.model, one.own) - own
        if one.good:
            wanted = wanted + 1.5 * (1 - torch.sigmoid(0.3 * (change - anchor)))
        else:
            wanted = wanted + 0.7 * (1 - torch.sigmoid(0.3 * (anchor - change)))
    for sample in plain:
        wanted = wanted - nll_weight * nats(base.model, sample) / int(sample.truth.sum())
    gradients = torch.autograd.grad(wanted, list(base.model.parameters()))
    monkeypatch.setattr(loss, "CHUNK_LOGITS", 5 * len(base.tokenizer))  # so that the chunks are tried as well
    samples = kto.with_reference(samples, np.array([*known, *[(0, 0)] * len(plain)]))
    pad = int(base.tokenizer.pad_token_id)
    halves = [kto.lay(samples[::2], pad), kto.lay(samples[1::2], pad)]
    assert sum(batch.count for batch in halves) == len(samples)
    batches = kto.anchored(halves, gear, base.model)
    anchors = [batch.anchor for batch in batches if isinstance(batch, JudgedBatch)]
    assert anchors == pytest.approx([anchor, anchor], rel=1e-4)  # of all parts of a step together
    found = sum((kto.loss(base.model, batch) for batch in batches), torch.zeros(()))
    assert float(found.detach()) == pytest.approx(float(wanted.detach()), rel=1e-4)
    for mine, theirs in zip(torch.autograd.grad(found, list(base.model.parameters())), gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=2e-3, atol=2e-5)


def test_each_answer_stands_beside_one_to_another_prompt_whatever_the_order_of_the_data(bases):
    base = load_base(str(bases["llama"]))
    kto = Kto(beta=0.1, nll_weight=0)

    def beside(conversations) -> dict[bytes, bytes]:
        side = kto.samples_of(conversations, base, base.window)
        assert side.counts.unmatched == 0
        return {one.own.ids.tobytes(): one.other.ids.tobytes() for one in side.samples}

    made = beside(rated(8))
    assert beside(rated(8)[::-1]) == made
    for sample in kto.samples_of(rated(8), base, base.window).samples:
        assert text(base, sample.own, targets=False) == text(base, sample.other, targets=False)
        assert text(base, sample.own, targets=True) != text(base, sample.other, targets=True)
    one = [talk("a", ("Hi", "Good.", 1.0)), talk("b", ("Hi", "Bad.", -1.0))]
    side = kto.samples_of(one, base, base.window)
    assert side.counts.unmatched == 2  # both are answers to one prompt
    batch = kto.lay(side.samples, int(base.tokenizer.pad_token_id))
    assert isinstance(batch, JudgedBatch)
    assert batch.others is None
    assert kto.anchored([batch], plain_gear(), base.model)[0].anchor == 0.0


def test_a_longer_answer_does_not_stand_where_the_window_has_no_room(bases):
    base = load_base(str(bases["llama"]))
    long = "The room is on the third floor, behind the stairs, with a view of the garden and of the old harbour."
    talks = [talk("a", ("Hello? " * 20, "No.", -1.0)), talk("b", ("Where?", long, 1.0))]
    kto = Kto(beta=0.1, nll_weight=0)
    window = max(len(one.own.ids) for one in kto.samples_of(talks, base, base.window).samples)
    side = kto.samples_of(talks, base, window)
    short, far = side.samples
    assert short.other is None
    assert text(base, far.other, targets=True).startswith("No.")
    assert (side.counts.liked, side.counts.disliked, side.counts.unmatched) == (1, 1, 1)


def test_ratings_and_edits_say_which_answers_are_good(bases):
    base = load_base(str(bases["llama"]))

    def heard(*conversations) -> list[tuple[str, bool]]:
        side = Kto(beta=0.1, nll_weight=0).samples_of(conversations, base, base.window)
        return [(text(base, one.own, targets=True).replace("<|im_end|>", "").strip(), one.good) for one in side.samples]

    assert heard(talk("a", ("A?", "Fine.", 0.5), ("B?", "Bad.", -0.1), ("C?", "So so.", 0.0), ("D?", "Oh.", None))) == [
        ("Fine.", True),
        ("Bad.", False),
    ]
    assert heard(talk("b", ("A?", "Mine.", None), rejected="Its.")) == [("Mine.", True), ("Its.", False)]
    assert heard(talk("c", ("A?", "Mine.", -1.0), rejected="Its.")) == [("Mine.", False), ("Its.", False)]
    assert heard(talk("d", ("A?", "Shown.", -1.0), weight=0)) == [("Shown.", False)]
    assert heard(talk("e", ("A?", "Shown.", 1.0), weight=0)) == []


def test_answers_that_nobody_rated_are_learnt_by_their_likelihood(bases):
    base = load_base(str(bases["llama"]))
    talks = [talk("a", ("A?", "Bad.", -1.0), ("B?", "Plain.", None), ("C?", "Good.", 1.0))]
    plain = Kto(beta=0.1, nll_weight=0.2).samples_of(talks, base, base.window).samples[2:]
    assert [text(base, one, targets=True).replace("<|im_end|>", "").strip() for one in plain] == ["Plain."]
    assert [one.count for one in plain] == [1]


def test_before_the_first_step_every_answer_costs_half_its_weight(bases, tmp_path: Path):
    asked = job(rated_file(tmp_path), bases["llama"], nll_weight=0, lr=1e-9, epochs=1)
    made = tune(asked, run=tmp_path / "run")
    assert made.before == pytest.approx(0.5, abs=1e-5)
    kept = json.loads((made.folder / "reference.json").read_text(encoding="utf-8"))
    sample = prepare(asked).train.samples[0]
    assert isinstance(sample, Judged)
    base = load_base(str(bases["llama"]))
    by_hand = torch.stack([nats(base.model, row) for row in (sample.own, sample.other)])
    assert kept["train"]["nats"][0] == pytest.approx(by_hand.tolist(), rel=1e-4)


@pytest.mark.parametrize("values", [{}, {"adapter": "lora", "lr": 0.02}], ids=["all weights", "lora"])
def test_liked_answers_become_likelier_than_disliked_ones_on_answers_not_seen(values, bases, tmp_path: Path):
    asked = job(rated_file(tmp_path), bases["qwen3"], **({"lr": 0.003, "epochs": 8, "batch_size": 4} | values))
    made = tune(asked, run=tmp_path / "run")
    assert made.before is not None
    assert made.after is not None
    assert made.after < made.before

    def margin(name: str) -> float:
        """How much likelier (nats) the liked answers are than the disliked ones, in the mean."""
        base = load_base(name)
        samples = Kto(beta=0.1, nll_weight=0).samples_of(rated(16, seed=3), base, base.window).samples
        batch = Kto(beta=0.1, nll_weight=0).lay(samples, int(base.tokenizer.pad_token_id))
        found, good = log_probs(plain_gear(), base.model, batch), np.array([one.good for one in samples])
        return float(found[good].mean() - found[~good].mean())

    before, after = margin(str(bases["qwen3"])), margin(str(made.folder))
    assert after > before + 1
    if not values:
        assert after > 0


def test_a_stopped_run_goes_on_to_the_same_losses_with_the_reference_that_it_had(bases, tmp_path: Path):
    data = rated_file(tmp_path, plain=True)
    values = {"lr": 0.003, "epochs": 3, "batch_size": 4, "look_every": 2, "patience": 50, "dropout": 0.1}
    asked = job(data, bases["gpt2"], **values)
    tune(asked, run=tmp_path / "whole")
    tune(asked, run=tmp_path / "halved", watch=Stop(5, signal.SIGTERM))
    shutil.copytree(tmp_path / "halved", tmp_path / "other")
    resume(tmp_path / "halved")
    assert told(tmp_path / "halved") == told(tmp_path / "whole")
    weights = [(tmp_path / run / "model" / "model.safetensors").read_bytes() for run in ("whole", "halved")]
    assert weights[0] == weights[1]
    kept = tmp_path / "other" / "reference.json"
    known = json.loads(kept.read_text(encoding="utf-8"))
    kept.write_text(json.dumps(known | {"train": known["held_out"]}), encoding="utf-8")
    with pytest.raises(RunError, match="other samples"):
        resume(tmp_path / "other")


def test_a_step_in_parts_is_the_same_step(bases, tmp_path: Path):
    data = rated_file(tmp_path, plain=True)
    values = {"lr": 0.003, "epochs": 2, "dropout": 0}
    whole = tune(job(data, bases["gpt2"], batch_size=8, **values), run=tmp_path / "whole")
    parts = tune(job(data, bases["gpt2"], batch_size=2, accumulate=4, **values), run=tmp_path / "parts")
    assert parts.steps == whole.steps
    assert parts.after == pytest.approx(whole.after, rel=1e-4)


def test_what_cannot_be_learnt_from_is_refused_before_anything_is_written(bases, tmp_path: Path):
    from .talks import talks_file, texts_file

    run = tmp_path / "run"
    with pytest.raises(DataError, match="kto learns from rated answers") as refused:
        tune(job(talks_file(tmp_path, 24), bases["llama"]), run=run)
    assert "rated.jsonl" in str(refused.value.remedy)
    with pytest.raises(DataError, match="kto learns from answers"):
        tune(job(texts_file(tmp_path, 24), bases["bert"]), run=run)
    liked = [one for one in rated(48) if one.ratings[1] > 0]
    write_conversations(tmp_path / "liked.jsonl", liked)
    with pytest.raises(DataError, match="rated here are good"):
        tune(job(tmp_path / "liked.jsonl", bases["llama"]), run=run)
    with pytest.raises(SettingsError, match=r"fresh_values is 0\.5"):
        tune(job(rated_file(tmp_path), bases["llama"], fresh_values=0.5), run=run)
    assert not run.exists()


def test_the_kinds_of_a_run_are_told(bases, tmp_path: Path):
    lines = Lines()
    data = tmp_path / "few.jsonl"
    write_conversations(data, [one for number, one in enumerate(rated(60, plain=True)) if number % 6 != 2])
    tune(job(data, bases["llama"], epochs=1, held_out="0"), run=tmp_path / "run", watch=lines)
    assert any(
        line.startswith("kto: 20 good and 30 bad answers to train on, 0 and 0 held out; beta 0.1, weights 1.5 and 1")
        for line in lines.said
    )
    assert any("50 sentences of answers that nobody rated (0 held out)" in line for line in lines.said)
    assert any("4 a step" in line for line in lines.said)
    facts = json.loads((tmp_path / "run" / "data.json").read_text(encoding="utf-8"))
    assert (facts["train"]["liked"], facts["train"]["disliked"]) == (20, 30)


def test_without_being_asked_ratings_are_not_learnt_from_and_that_is_said(bases, tmp_path: Path):
    lines = Lines()
    tune(job(rated_file(tmp_path), bases["llama"], objective="auto", epochs=1), run=tmp_path / "run", watch=lines)
    (line,) = [line for line in lines.said if "--objective kto" in line]
    wanted = "23 answers are rated; --objective kto learns from ratings; 11 are rated bad and taught all the same"
    assert line.startswith(wanted)
