"""Converts a tuned model to ONNX, int8 where that is as good, and checks it on texts before it is kept.

The texts are answered by the weights as they are, by the float32 graph and by int8 graphs in turn. The first that
loses no more than was allowed is kept, else float32; where float32 loses more, nothing is: then it is wrong. It
knows runs and examples; not where examples come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from dialoop.conversation import Example
from dialoop.conversation.spans import without_overlaps
from dialoop.errors import DataError, ModelError, SettingsError
from dialoop.model import Base, load_base, resolve_model, tag_texts
from dialoop.model.folder import written_whole
from dialoop.model.heads import transitions_of
from dialoop.understanding.calibration import FILE, Calibration, read_calibration
from dialoop.understanding.conversion import (
    FOLDER,
    GRAPH,
    RECORD,
    TOKENS,
    Conversion,
    Precision,
    Tried,
)
from dialoop.understanding.converted import Converted
from dialoop.understanding.graph import check_installed, quantise, quantise_in_blocks, write_graph
from dialoop.understanding.reading import read_texts
from dialoop.understanding.run_texts import run_of, texts_of

MOST_LOST = 0.2
"""Points of accuracy that int8 may lose."""
LIKELY = 0.5
"""A label of any number is said where its probability is above this."""
MEASURES = {"classify": "accuracy", "tag": "F1 of spans", "regress": "explained variance"}
_SMALL = "int8.onnx"
INT8: dict[Precision, list[tuple[Precision, Callable[[Path, Path], None]]]] = {
    "int8": [("int8", quantise), ("int8-blocks", quantise_in_blocks)],
    "int8-blocks": [("int8-blocks", quantise_in_blocks)],
    "float32": [],
}
"""What is tried where a precision was asked for, in this order."""
_PACKAGES = ("dialoop", "torch", "onnx", "onnxscript", "onnxruntime", "tokenizers")

Answers = list[Any]
"""Of each text the set of its labels, the set of its spans, or its score."""


def convert(
    model: str | Path,
    texts: Sequence[Example] | Sequence[str] | None = None,
    *,
    precision: Precision = "int8-blocks",
    most_lost: float = MOST_LOST,
) -> Conversion:
    """Write `onnx/` into the folder of a model: a folder, a run or a version on the shelf.

    `texts`: examples, or texts without truth, of which the answers count; None: those that the model's run held out.
    `precision`: what is tried first; "float32": nothing else. Raises SettingsError, DataError where there are no texts
    to check it with, ModelError where it cannot be converted or float32 loses too.
    """
    check_installed()
    if not 0 <= most_lost <= 100:
        raise SettingsError(f"most_lost is {most_lost}", remedy="give points of accuracy from 0 to 100, e.g. 0.2")
    folder = resolve_model(model)
    base = load_base(folder)
    if base.head.kind not in MEASURES:
        what = f"this model has a head of kind {base.head.kind}; what is converted are {', '.join(MEASURES)}"
        raise ModelError(what, where=folder, remedy="tune one on labelled texts first")
    given = _texts(folder, texts)
    check = _Check(base, given, most_lost)
    with written_whole(folder / FOLDER) as beside:
        write_graph(base, beside / GRAPH)
        _write_tokens(base, beside / TOKENS)
        made = check.record()
        made.tried["float32"] = check.tried(Converted(beside, made))
        if made.tried["float32"].lost > most_lost:
            what = f"the float32 graph loses {made.tried['float32'].lost:.2f} points, so the conversion is not right"
            raise ModelError(what, where=folder, remedy="read it with torch, and report the kind of its base")
        for name, write in INT8[precision]:
            write(beside / GRAPH, beside / _SMALL)
            made.tried[name] = check.tried(Converted(beside, made, graph=_SMALL), _SMALL)
            if made.tried[name].lost <= most_lost:
                made.precision = name
                (beside / _SMALL).replace(beside / GRAPH)
                break
            (beside / _SMALL).unlink()
        (beside / RECORD).write_text(made.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return made


class _Check:
    """The answers of the weights as they are, and how near others come to them."""

    def __init__(self, base: Base, given: Sequence[Example] | Sequence[str], most_lost: float) -> None:
        self._base, self._most_lost = base, most_lost
        self._texts = [one if isinstance(one, str) else one.text for one in given]
        self._before = _answers(base, self._texts)
        self._truth = [None if isinstance(one, str) else _truth(one, base) for one in given]
        self._known = [number for number, one in enumerate(self._truth) if one is not None]
        self._scope = _scope(base, self._texts)

    def record(self) -> Conversion:
        """What is to be kept, before anything was tried."""
        head, moves = self._base.head, transitions_of(self._base.model)
        return Conversion.model_validate(
            {
                "fingerprint": self._base.fingerprint,
                "kind": head.kind,
                **{name: getattr(head, name) for name in ("labels", "multi_label", "casing", "mean", "scale")},
                "transitions": None if moves is None else moves.tolist(),
                "window": self._base.window,
                "pad": self._base.tokenizer.pad_token_id,
                "precision": "float32",
                "measure": MEASURES[head.kind],
                "texts": len(self._texts),
                "most_lost": self._most_lost,
                "accuracy": self._accuracy(self._before),
                "tried": {},
                "made_with": {name: version(name) for name in _PACKAGES},
            }
        )

    def tried(self, converted: Converted, graph: str = GRAPH) -> Tried:
        """How near the answers of a converted model are."""
        answers, before, after = _converted_answers(converted, self._texts), self._accuracy(self._before), None
        after = self._accuracy(answers)
        agreement = alike(self._base.head.kind, answers, self._before)
        lost = 1 - agreement if before is None or after is None else before - after
        return Tried(
            accuracy=after,
            agreement=agreement,
            lost=round(100 * lost, 6),
            same_scope=self._same_scope(converted),
            size=(converted.folder / graph).stat().st_size,
        )

    def _accuracy(self, answers: Answers) -> float | None:
        if not self._known:
            return None
        kind, known = self._base.head.kind, self._known
        return alike(kind, [answers[number] for number in known], [self._truth[number] for number in known])

    def _same_scope(self, converted: Converted) -> float | None:
        if self._scope is None:
            return None
        calibration, outside = self._scope
        read = converted.read(self._texts)
        found, _ = calibration.scope(calibration.known(), read.logits, read.features)
        return float(np.mean([one == other for one, other in zip(found, outside, strict=True)]))


def alike(kind: str, answers: Answers, others: Answers) -> float:
    """How alike the answers to N texts are, 1 where they are the same.

    Labels: the share of texts with the same ones. Spans: F1 over all of them. Scores: the share of the others' variance
    that is explained, which may be below 0.
    """
    pairs = list(zip(answers, others, strict=True))
    if kind == "classify":
        return sum(bool(one == other) for one, other in pairs) / len(pairs)
    if kind == "tag":
        both = sum(len(one & other) for one, other in pairs)
        all_spans = sum(len(one) + len(other) for one, other in pairs)
        return float(2 * both / all_spans) if all_spans else 1.0
    one, other = np.asarray(answers, dtype=np.float64), np.asarray(others, dtype=np.float64)
    spread = float(np.square(other - other.mean()).sum())
    off = float(np.square(one - other).sum())
    return 1 - off / spread if spread else float(off == 0)


def _texts(folder: Path, given: Sequence[Example] | Sequence[str] | None) -> Sequence[Example] | Sequence[str]:
    run = run_of(folder)
    if given is None and run is not None:
        given = texts_of(run).held_out
    if not given:
        what = "there are no held-out texts to check the conversion with"
        raise DataError(
            what, where=folder, remedy="give a file of labelled texts: dialoop export MODEL --held-out FILE"
        )
    return given


def _truth(example: Example, base: Base) -> Any:
    """The right answer to an example; None where it has none, or one that the model cannot give."""
    head = base.head
    if head.kind == "regress":
        return example.score
    if head.kind == "tag":
        spans = None if example.spans is None else without_overlaps(example.spans)[0]
        return None if spans is None else {(one.label, one.start, one.end) for one in spans}
    labels = (example.label,) if example.label is not None else example.labels
    return None if labels is None or not set(labels) <= set(head.labels) else set(labels)


def _answers(base: Base, texts: list[str]) -> Answers:
    if base.head.kind == "tag":
        return [{(one.label, one.start, one.end) for one in spans} for spans in tag_texts(base, texts)]
    logits = read_texts(base, texts).logits
    if base.head.kind == "regress":
        return [base.head.mean + base.head.scale * float(row[0]) for row in logits]
    if base.head.multi_label:
        return [{base.head.labels[i] for i in np.flatnonzero(row > 0)} for row in logits]  # sigmoid above LIKELY
    return [{base.head.labels[int(row.argmax())]} for row in logits]


def _converted_answers(converted: Converted, texts: list[str]) -> Answers:
    known = converted.conversion
    if known.kind == "tag":
        return [{(one.label, one.start, one.end) for one in spans} for spans in converted.spans(texts)]
    if known.kind == "regress":
        return list(converted.scores(texts))
    said = converted.labels(texts)
    if known.multi_label:
        return [{label for label, chance in one.items() if chance > LIKELY} for one in said]
    return [{max(one, key=one.__getitem__)} for one in said]


def _scope(base: Base, texts: list[str]) -> tuple[Calibration, list[bool]] | None:
    """How a classifier was fitted, and which texts it finds out of scope; None where it was not fitted."""
    if base.path is None or not (base.path / FILE).is_file():
        return None
    calibration = read_calibration(base.path, fingerprint=base.fingerprint, labels=base.head.labels)
    read = read_texts(base, texts)
    return calibration, calibration.scope(calibration.known(), read.logits, read.features)[0]


def _write_tokens(base: Base, path: Path) -> None:
    """The tokenizer as it reads for this model, without padding and cutting, which are done where texts are read."""
    if not base.tokenizer.is_fast:
        what = "the base's tokenizer has no form that is read without transformers"
        raise ModelError(what, where=base.name, remedy="choose a base with a fast tokenizer (tokenizer.json)")
    plain = Tokenizer.from_str(base.tokenizer.backend_tokenizer.to_str())
    plain.no_padding()
    plain.no_truncation()
    path.write_text(plain.to_str(), encoding="utf-8")
