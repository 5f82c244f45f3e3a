"""Several small batches a step are one large batch, to rounding: the mean is over the targets of all together."""

import json
from pathlib import Path

import pytest

from dialoop.training import Job, TuneSettings, tune

from .talks import talks_file, texts_file


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_four_times_two_is_eight(kind, bases, tmp_path: Path):
    data = texts_file(tmp_path, 12) if kind == "bert" else talks_file(tmp_path, 24, turns=3)

    def losses(batch_size: int, accumulate: int) -> list[float]:
        asked = TuneSettings(
            epochs=2,
            lr=0.003,
            batch_size=batch_size,
            accumulate=accumulate,
            optimiser="sgd",
            contrastive="off",  # it compares the texts of a batch
            dropout=0.0 if kind == "bert" else None,
            device="cpu",
            precision="float32",
        )
        run = tmp_path / f"{batch_size} x {accumulate}"
        tune(Job(data=str(data), base=str(bases[kind]), tune=asked), run=run)
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        return [figure for line in lines for key in ("loss", "gradient", "held_out") if (figure := line.get(key))]

    large, small = losses(8, 1), losses(2, 4)
    assert len(large) > 8
    assert small == pytest.approx(large, rel=1e-4)
