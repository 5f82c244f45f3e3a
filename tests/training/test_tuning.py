"""Tuning from end to end on tiny bases: every kind of base, little data, early end, what a run's folder holds."""

import json
from pathlib import Path

import pytest
import torch

from dialoop.engine import generate_greedy
from dialoop.errors import DataError, ModelError, RunError, SettingsError
from dialoop.evaluation.calls import ToolsSeen
from dialoop.model import TEMPLATES, load_base, packaged_template, prompt_ids
from dialoop.model.folder import verify
from dialoop.training import Job, Quiet, TuneSettings, checked, tune

from ..tiny_models import tiny_model
from .talks import PAIRS, pairs_file, talks_file, texts_file

FAST = {"precision": "float32", "device": "cpu"}


def settings(**values) -> TuneSettings:
    return TuneSettings.model_validate(FAST | values)


def log(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]


class Lines(Quiet):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3"])
def test_every_decoder_tunes_by_generate(kind, bases, tmp_path: Path):
    data = talks_file(tmp_path, 24, turns=1)
    job = Job(data=str(data), base=str(bases[kind]), tune=settings(epochs=4, lr=0.01, batch_size=4))
    result = tune(job, run=tmp_path / "run")
    assert result.before is not None
    assert result.after is not None
    assert result.after < 0.7 * result.before
    tuned = load_base(result.folder)
    assert tuned.head.kind == "generate"
    verify(result.folder / "model")


@pytest.mark.parametrize("multi", [False, True], ids=["one label", "any labels"])
def test_bert_tunes_by_classify(multi, bases, tmp_path: Path):
    data = texts_file(tmp_path, 30, multi=multi)
    job = Job(data=str(data), base=str(bases["bert"]), tune=settings(epochs=15, lr=0.003, patience=15))
    result = tune(job, run=tmp_path / "run")
    assert result.after is not None
    assert result.before is not None
    assert result.after < 0.7 * result.before
    tuned = load_base(result.folder)
    assert tuned.head.labels == ("place", "thing")
    if not multi:
        found = tuned.model(**tuned.tokenizer("look for the lamp, 99", return_tensors="pt")).logits.argmax()
        assert tuned.head.labels[int(found)] == "thing"


def test_bert_cannot_tune_by_generate_and_nothing_is_written(bases, tmp_path: Path):
    with pytest.raises(Exception, match="cannot generate"):
        tune(Job(data=str(talks_file(tmp_path, 3)), base=str(bases["bert"])), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_guides_three_pairs_are_learnt_by_heart_within_thirty_epochs(tmp_path: Path):
    small = tiny_model("qwen3", tmp_path / "base", hidden=64)
    lines = Lines()
    job = Job(data=str(pairs_file(tmp_path)), base=str(small), tune=settings(lr=0.01))
    result = tune(job, run=tmp_path / "run", watch=lines)
    assert result.epochs <= 30
    assert any("all 3 conversations are trained on" in line for line in lines.said)
    tuned = load_base(result.folder)
    for asked, wanted in PAIRS:
        from dialoop.conversation import Message

        prompt = prompt_ids([Message(role="user", content=asked)], None, tuned.tokenizer)
        (said,) = generate_greedy(tuned, [prompt], 60)
        assert tuned.tokenizer.decode(said) == wanted


@pytest.mark.parametrize(
    ("kind", "dropout", "rows"), [("llama", None, True), ("gpt2", None, False), ("gpt2", 0.0, True)]
)
def test_whether_beginnings_are_shared_is_told_and_kept(kind, dropout, rows, bases, tmp_path: Path):
    """GPT-2 comes with dropout in its attention: it is padded, and that is said."""
    lines = Lines()
    asked = settings(epochs=1, batch_size=4, dropout=dropout)
    job = Job(data=str(talks_file(tmp_path, 8)), base=str(bases[kind]), tune=asked)
    result = tune(job, run=tmp_path / "run", watch=lines)
    assert json.loads((result.folder / "run.json").read_text("utf-8"))["chosen"]["rows"] is rows
    assert any("begin with alike is computed once" in line for line in lines.said) is rows
    assert any("batches are padded" in line for line in lines.said) is not rows


def test_an_adapter_trains_few_weights_and_the_model_is_whole(bases, tmp_path: Path):
    lines = Lines()
    job = Job(
        data=str(talks_file(tmp_path, 24, turns=1)),
        base=str(bases["llama"]),
        tune=settings(epochs=3, lr=0.02, batch_size=4, adapter="lora", lora_rank=4),
    )
    result = tune(job, run=tmp_path / "run", watch=lines)
    assert result.before is not None
    assert result.after is not None
    assert result.after < result.before
    assert any("trained; generate" in line and "all trained" not in line for line in lines.said)
    tuned, base = load_base(result.folder), load_base(bases["llama"])
    assert not hasattr(tuned.model, "peft_config")
    names = [name for name, p in tuned.model.named_parameters() if not torch.equal(p, base.model.get_parameter(name))]
    assert names
    assert all(".layers." in name for name in names)


def test_a_run_ends_early_with_the_best_weights(bases, tmp_path: Path):
    held = talks_file(tmp_path, 6, 9, name="dev.jsonl")
    job = Job(
        data=str(talks_file(tmp_path, 4)),
        base=str(bases["llama"]),
        tune=settings(epochs=100, lr=0.03, batch_size=2, patience=2, look_every=2, held_out=str(held)),
    )
    result = tune(job, run=tmp_path / "run")
    looks = {entry["step"]: entry["held_out"] for entry in log(result.folder) if "held_out" in entry}
    assert result.early
    assert result.best_step == min(looks, key=lambda step: looks[step])
    assert result.steps == result.best_step + 2 * 2
    assert result.after == looks[result.best_step]
    again = Job(data=str(held), base=str(result.folder), tune=settings(epochs=1, held_out=str(held)))
    assert tune(again, run=tmp_path / "again").before == pytest.approx(result.after, rel=1e-5)


def test_the_folder_of_a_run_holds_all_that_repeats_it(bases, tmp_path: Path):
    data = talks_file(tmp_path, 30)
    job = Job(data=str(data), base=str(bases["llama"]), tune=settings(epochs=1, batch_size=4, seed=5))
    result = tune(job, run=tmp_path / "one")
    run = json.loads((result.folder / "run.json").read_text(encoding="utf-8"))
    facts = json.loads((result.folder / "data.json").read_text(encoding="utf-8"))
    assert (run["status"], run["seed"]) == ("done", 5)
    assert run["base"] == load_base(bases["llama"]).fingerprint
    assert set(run["versions"]) >= {"dialoop", "torch", "transformers"}
    assert facts["files"][0]["records"] == 30
    assert len(facts["files"][0]["sha256"]) == 64
    assert facts["train"]["records"] + facts["held_out"]["records"] == 30
    assert len(facts["split"]["held_out"]) == facts["held_out"]["records"]
    assert ToolsSeen.read(result.folder / "model") is not None
    assert not (result.folder / "checkpoint").exists()
    from dialoop.training.settings import read_job

    again = tune(read_job(result.folder / "settings.yaml"), run=tmp_path / "two")
    losses = [[entry.get("loss") for entry in log(one.folder)] for one in (result, again)]
    assert losses[0] == losses[1]
    assert verify(result.folder / "model") == verify(again.folder / "model")


def test_a_folder_that_is_taken_is_left_alone(bases, tmp_path: Path):
    job = Job(data=str(talks_file(tmp_path, 2)), base=str(bases["llama"]), tune=settings(epochs=1))
    tune(job, run=tmp_path / "run")
    with pytest.raises(RunError, match="there is a run in this folder"):
        tune(job, run=tmp_path / "run")
    with pytest.raises(RunError, match="there are other things"):
        tune(job, run=tmp_path)
    with pytest.raises(RunError, match="this is a file"):
        tune(job, run=Path(job.data))


def test_runs_without_a_name_are_named_after_data_and_base(bases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    job = Job(data=str(talks_file(tmp_path, 2)), base=str(bases["llama"]), tune=settings(epochs=1))
    assert [str(tune(job).folder) for _ in range(2)] == ["runs/talks-llama", "runs/talks-llama-2"]


def test_data_without_a_target_is_refused(bases, tmp_path: Path):
    job = Job(data=str(talks_file(tmp_path, 3)), base=str(bases["llama"]), tune=settings(window=16))
    with pytest.raises(DataError, match="not one token would be learnt"):
        tune(job, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_ends_the_run(bases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dialoop.training.preparing.head_loss", lambda head, model, inputs, truth: next(
        model.parameters()
    ).sum() * float("nan"))  # fmt: skip
    job = Job(data=str(talks_file(tmp_path, 3)), base=str(bases["llama"]), tune=settings(epochs=1))
    with pytest.raises(RunError, match="the loss is nan") as error:
        tune(job, run=tmp_path / "run")
    assert "--lr" in (error.value.remedy or "")


def test_the_precision_is_tried_where_there_is_a_choice_and_said(bases, tmp_path: Path):
    lines = Lines()
    job = Job(data=str(talks_file(tmp_path, 3)), base=str(bases["llama"]), tune=TuneSettings(epochs=1, device="cpu"))
    result = tune(job, run=tmp_path / "run", watch=lines)
    chosen = json.loads((result.folder / "run.json").read_text(encoding="utf-8"))["chosen"]
    assert any(f"{chosen['precision']} on cpu ({chosen['why']})" in line for line in lines.said)


def test_bfloat16_learns_as_well(bases, tmp_path: Path):
    job = Job(
        data=str(talks_file(tmp_path, 24, turns=1)),
        base=str(bases["llama"]),
        tune=settings(epochs=3, lr=0.01, batch_size=4, precision="bfloat16"),
    )
    result = tune(job, run=tmp_path / "run")
    assert result.before is not None
    assert result.after is not None
    assert result.after < 0.8 * result.before


@pytest.mark.parametrize("spare", [True, False])
def test_what_is_spelt_with_tokens_of_no_log_stays_as_it_was(spare: bool, bases, tmp_path: Path):
    data = talks_file(tmp_path, 24, turns=1)
    lines = Lines()
    job = Job(data=str(data), base=str(bases["qwen3"]), tune=settings(epochs=2, lr=0.01, spare_rare=40 if spare else 0))
    result = tune(job, run=tmp_path / "run", watch=lines)
    before, after = load_base(bases["qwen3"]), load_base(result.folder)
    known = {
        token for line in data.read_text(encoding="utf-8").splitlines() for token in before.tokenizer(line)["input_ids"]
    }
    absent = [token for token in range(256, len(before.tokenizer)) if token not in known]
    rows = [base.model.get_output_embeddings().weight[absent] for base in (before, after)]
    assert torch.equal(*rows) == spare
    assert any("output rows are left alone" in line for line in lines.said) == spare
    assert result.after < result.before


CALLING = {
    "messages": [
        {"role": "user", "content": "A room in York?"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "call_0", "type": "function", "function": {"name": "find_room", "arguments": '{"city": "York"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_0", "content": "none"},
        {"role": "assistant", "content": "There is none."},
    ],
    "tools": [{"type": "function", "function": {"name": "find_room", "parameters": {"type": "object"}}}],
}


def calling_file(folder: Path) -> Path:
    path = folder / "calls.jsonl"
    path.write_text("".join(json.dumps({"id": str(n)} | CALLING) + "\n" for n in range(4)), encoding="utf-8")
    return path


def with_template(folder: Path, text: str) -> Path:
    (tiny_model("llama", folder) / "chat_template.jinja").write_text(text, encoding="utf-8")
    return folder


BARE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ODD_CALLS = (
    "{{ tools | tojson if tools else '' }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% if m.tool_calls %}CALL {{ m.tool_calls[0].function | tojson }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def test_a_packaged_template_is_taken_where_the_base_s_own_cannot_show_calls(tmp_path: Path):
    base, data = with_template(tmp_path / "base", BARE), calling_file(tmp_path)
    asked = settings(epochs=1)
    with pytest.raises(ModelError, match="leaves tools out") as refused:
        tune(Job(data=str(data), base=str(base), tune=asked), run=tmp_path / "refused")
    assert "--template chatml" in str(refused.value.remedy)
    asked = settings(epochs=1, template="chatml")
    result = tune(Job(data=str(data), base=str(base), tune=asked), run=tmp_path / "run")
    assert load_base(result.folder).tokenizer.chat_template == packaged_template("chatml").text


def test_the_setting_knows_every_packaged_template_and_nothing_else(tmp_path: Path):
    for name in TEMPLATES:
        assert settings(template=name).template == name
    with pytest.raises(SettingsError, match="`template` is 'gema'"):
        checked({"template": "gema"})
    job = Job(data=str(texts_file(tmp_path)), base="mini", tune=settings(template="chatml"))
    with pytest.raises(SettingsError, match="labelled texts"):
        tune(job, run=tmp_path / "run")


@pytest.mark.parametrize("template", ["auto", "chatml"])
def test_calls_that_nothing_here_can_read_are_told(template: str, tmp_path: Path):
    base, data, lines = with_template(tmp_path / "base", ODD_CALLS), calling_file(tmp_path), Lines()
    tune(
        Job(data=str(data), base=str(base), tune=settings(epochs=1, template=template)),
        run=tmp_path / "run",
        watch=lines,
    )
    assert any("as text, not as calls" in line for line in lines.said) is (template == "auto")


USERS_FIRST = (
    "{% if messages[0].role == 'system' %}{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def greeting_file(folder: Path) -> Path:
    path = folder / "greetings.jsonl"
    lines = []
    for number in range(6):
        messages = [
            {"role": "assistant", "content": f"Hello {number}.", "rejected": "Eh?"},
            {"role": "user", "content": "A room?"},
            {"role": "assistant", "content": f"Number {number}.", "rejected": "None."},
        ]
        ratings = [{"index": 0, "rating": 1}, {"index": 2, "rating": 1}]
        lines.append(json.dumps({"id": str(number), "messages": messages, "annotations": {"messages": ratings}}) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("objective", ["nll", "dpo", "kto"])
def test_a_conversation_that_the_agent_opens_stops_no_run(objective: str, tmp_path: Path):
    base, lines = with_template(tmp_path / "base", USERS_FIRST), Lines()
    job = Job(data=str(greeting_file(tmp_path)), base=str(base), tune=settings(epochs=1, objective=objective))
    result = tune(job, run=tmp_path / "run", watch=lines)
    counts = json.loads((result.folder / "data.json").read_text(encoding="utf-8"))["train"]
    assert counts["answers_lost"] >= counts["records"]
    assert any("the template cannot ask for them" in line for line in lines.said)


def test_what_a_template_refuses_is_told_with_its_conversation_and_file(tmp_path: Path):
    strict = "{% for m in messages %}{% if 'kettle' in m.content %}{{ raise_exception('no kettles') }}{% endif %}"
    base = with_template(tmp_path / "base", strict + "{% endfor %}" + BARE)
    job = Job(data=str(talks_file(tmp_path, 24)), base=str(base), tune=settings(epochs=1))
    with pytest.raises(DataError, match=r"conversation talk-\d+: .*no kettles") as refused:
        tune(job, run=tmp_path / "run")
    assert "talks.jsonl" in str(refused.value)
