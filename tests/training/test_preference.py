"""Learning from edits: DPO's loss and gradient by hand, what becomes a sample, and whole runs on tiny bases."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dialoop.conversation import Conversation, write_conversations
from dialoop.errors import DataError, RunError, SettingsError
from dialoop.model import answer_pairs, load_base, loss
from dialoop.training import Job, TuneSettings, resume, tune
from dialoop.training.preference import Dpo, Pair, log_probs, pair_sample, pairs_in, plain_samples
from dialoop.training.preparing import prepare
from dialoop.training.side import Counts

from .test_resume import Stop, told
from .test_tuning import Lines

FAST = {"precision": "float32", "device": "cpu", "objective": "dpo"}
_COLOURS = ("red", "blue", "green", "white", "black", "brown", "grey", "pink")


def edited(count: int, *, plain: bool = False, seed: int = 0) -> list[Conversation]:
    """Conversations in which a person put a polite answer in a rude one's place; `plain`: an unedited one first."""
    made = []
    for number in range(count):
        colour = _COLOURS[(number + seed) % len(_COLOURS)]
        messages = [
            {"role": "user", "content": f"Is room {number + 100 * seed} {colour}?"},
            {"role": "assistant", "content": f"Please wait, {colour}.", "rejected": f"Go away, {colour}!"},
        ]
        if plain:
            hello = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day."}]
            messages = [*hello, *messages]
        made.append(Conversation.model_validate({"id": f"edit-{seed}-{number}", "messages": messages}))
    return made


def edits_file(folder: Path, count: int = 24, *, plain: bool = False, name: str = "edits.jsonl") -> Path:
    write_conversations(folder / name, edited(count, plain=plain))
    return folder / name


def job(data: Path, base: Path, **values) -> Job:
    return Job(data=str(data), base=str(base), tune=TuneSettings.model_validate(FAST | values))


def by_hand(model, sample: Pair) -> tuple[torch.Tensor, torch.Tensor]:
    """Log p of both answers from full logits, one row at a time; and the answers' lengths."""
    found, lengths = [], []
    for row in sample.rows:
        ids, truth = torch.tensor(row.ids, dtype=torch.long)[None], torch.tensor(row.truth)
        nats = F.log_softmax(model(input_ids=ids).logits[0].double(), dim=-1)
        places = truth.nonzero()[:, 0]
        found.append(sum(nats[place - 1, ids[0, place]] for place in places))
        lengths.append(len(places))
    return torch.stack(found), torch.tensor(lengths)


@pytest.mark.parametrize("kind", ["gpt2", "qwen3"])
@pytest.mark.parametrize("nll_weight", [0.0, 0.5])
def test_loss_and_gradient_are_those_of_the_plain_formula(kind, nll_weight, bases, monkeypatch):
    base = load_base(str(bases[kind]))
    dpo = Dpo(beta=0.3, nll_weight=nll_weight)
    side = dpo.samples_of(edited(3, plain=True), base, base.window)
    references = [(-11.0, -9.5), (-20.0, -22.0), (-3.0, -3.0)]
    pairs = [sample for sample in side.samples if isinstance(sample, Pair)]
    plain = [sample for sample in side.samples if not isinstance(sample, Pair)]
    assert (len(pairs), len(plain)) == (3, 3 if nll_weight else 0)
    pairs = [
        Pair(one.ids, one.truth, first=one.first, reference=known) for one, known in zip(pairs, references, strict=True)
    ]
    wanted = torch.zeros((), dtype=torch.float64)
    for one, known in zip(pairs, references, strict=True):
        (chosen, rejected), lengths = by_hand(base.model, one)
        wanted = wanted - torch.log(torch.sigmoid(0.3 * ((chosen - known[0]) - (rejected - known[1]))))
        wanted = wanted - nll_weight * chosen / lengths[0]
    for one in plain:
        ids = torch.tensor(one.ids, dtype=torch.long)[None]
        nats = F.log_softmax(base.model(input_ids=ids).logits[0].double(), dim=-1)
        places = torch.tensor(one.truth).nonzero()[:, 0]
        wanted = wanted + nll_weight * -sum(nats[p - 1, ids[0, p]] for p in places) / len(places)
    gradients = torch.autograd.grad(wanted, list(base.model.parameters()))
    monkeypatch.setattr(loss, "CHUNK_LOGITS", 5 * len(base.tokenizer))  # so that the chunks are tried as well
    batch = dpo.lay([*plain, *pairs], int(base.tokenizer.pad_token_id))
    assert batch.count == len(pairs) + len(plain)
    found = dpo.loss(base.model, batch)
    assert float(found.detach()) == pytest.approx(float(wanted.detach()), rel=1e-4)
    for mine, theirs in zip(torch.autograd.grad(found, list(base.model.parameters())), gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=2e-3, atol=2e-5)


def test_before_the_first_step_every_pair_costs_the_logarithm_of_two(bases, tmp_path: Path):
    made = tune(job(edits_file(tmp_path), bases["llama"], nll_weight=0, lr=1e-9, epochs=1), run=tmp_path / "run")
    assert made.before == pytest.approx(0.6931472, abs=1e-5)
    kept = json.loads((made.folder / "reference.json").read_text(encoding="utf-8"))
    base = load_base(str(bases["llama"]))
    prepared = prepare(job(Path(tmp_path / "edits.jsonl"), bases["llama"], nll_weight=0))
    sample = prepared.train.samples[0]
    assert isinstance(sample, Pair)
    assert kept["train"]["nats"][0] == pytest.approx(by_hand(base.model, sample)[0].tolist(), rel=1e-4)


@pytest.mark.parametrize("values", [{}, {"adapter": "lora", "lr": 0.02}], ids=["all weights", "lora"])
def test_the_chosen_answers_become_the_likelier_ones_on_pairs_not_seen(values, bases, tmp_path: Path):
    asked = job(edits_file(tmp_path), bases["qwen3"], **({"lr": 0.003, "epochs": 8, "batch_size": 4} | values))
    made = tune(asked, run=tmp_path / "run")
    assert made.before is not None
    assert made.after is not None
    assert made.after < made.before

    def margins(name: str) -> np.ndarray:
        base = load_base(name)
        pairs = [pair for one in edited(16, seed=3) for pair in answer_pairs(one, base.tokenizer)[0]]
        samples = [pair_sample(pair.prompt, *pair.answers) for pair in pairs]
        batch = Dpo(beta=0.1, nll_weight=0).lay(samples, int(base.tokenizer.pad_token_id))
        chosen, rejected = log_probs(prepare(asked).gear, base.model, batch).reshape(2, -1)
        return chosen - rejected

    before, after = margins(str(bases["qwen3"])), margins(str(made.folder))
    assert (before > 0).mean() < 0.5
    assert (after > before).all()
    if not values:
        assert (after > 0).all()


def test_answers_without_a_rejected_one_are_learnt_by_their_likelihood(bases):
    base = load_base(str(bases["llama"]))
    (conversation,) = edited(1, plain=True)
    (plain,) = plain_samples(conversation, pairs_in(conversation), base, base.window, Counts())
    said = base.tokenizer.decode([id_ for id_, taught in zip(plain.ids, plain.truth, strict=True) if taught])
    assert said.strip() == "Good day.<|im_end|>"
    assert plain.count == 1
    side = Dpo(beta=0.1, nll_weight=0).samples_of([conversation], base, base.window)
    assert [type(sample) for sample in side.samples] == [Pair]


def test_a_stopped_run_goes_on_to_the_same_losses_with_the_reference_that_it_had(bases, tmp_path: Path):
    import signal

    data = edits_file(tmp_path, plain=True)
    values = {"lr": 0.003, "epochs": 3, "batch_size": 4, "look_every": 2, "patience": 50, "dropout": 0.1}
    asked = job(data, bases["gpt2"], **values)
    tune(asked, run=tmp_path / "whole")
    tune(asked, run=tmp_path / "halved", watch=Stop(5, signal.SIGTERM))
    shutil.copytree(tmp_path / "halved", tmp_path / "other")
    resume(tmp_path / "halved")
    assert told(tmp_path / "halved") == told(tmp_path / "whole")
    kept = tmp_path / "other" / "reference.json"
    known = json.loads(kept.read_text(encoding="utf-8"))
    kept.write_text(json.dumps(known | {"train": known["held_out"]}), encoding="utf-8")
    with pytest.raises(RunError, match="other samples"):
        resume(tmp_path / "other")


def test_what_cannot_be_learnt_from_is_refused_before_anything_is_written(bases, tmp_path: Path):
    from .talks import talks_file, texts_file

    run = tmp_path / "run"
    with pytest.raises(DataError, match="no answer to be learnt has a `rejected`"):
        tune(job(talks_file(tmp_path, 24), bases["llama"]), run=run)
    with pytest.raises(DataError, match="dpo learns from answers"):
        tune(job(texts_file(tmp_path, 24), bases["bert"]), run=run)
    with pytest.raises(SettingsError, match=r"fresh_values is 0\.5"):
        tune(job(edits_file(tmp_path), bases["llama"], fresh_values=0.5), run=run)
    assert not run.exists()


def test_without_being_asked_edits_are_learnt_as_answers_and_that_is_said(bases, tmp_path: Path):
    lines = Lines()
    asked = job(edits_file(tmp_path), bases["llama"], objective="auto", epochs=1)
    made = tune(asked, run=tmp_path / "run", watch=lines)
    assert any("answers have a `rejected` one; --objective dpo" in line for line in lines.said)
    assert not (made.folder / "reference.json").exists()


def test_the_kinds_of_a_run_are_told(bases, tmp_path: Path):
    lines = Lines()
    tune(job(edits_file(tmp_path, plain=True), bases["llama"], epochs=1), run=tmp_path / "run", watch=lines)
    assert any(line.startswith("dpo: 22 pairs to train on, 2 held out; beta 0.1") for line in lines.said)
    assert any("22 sentences of answers without a `rejected` one (2 held out)" in line for line in lines.said)
