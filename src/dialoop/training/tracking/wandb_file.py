"""What a `.wandb` file holds: where Weights & Biases is offline, nobody else can say how far it came before a crash.

The file is a log in the form of LevelDB: records, parted over blocks, each a protobuf message of wandb's own.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BLOCK, _HEAD = 32_768, 7
_MARK = b":W&B"
_WHOLE, _LAST = 1, 4


def history(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """The rows of the run's history: a step and its figures, in the order of the file."""
    for record in records(path):
        row = {item.key or ".".join(item.nested_key): item.value_json for item in record.history.item}
        if "_step" in row:
            figures = {name: json.loads(value) for name, value in row.items() if not name.startswith("_")}
            yield int(row["_step"]), figures


def records(path: Path) -> Iterator[Any]:
    """All records; what a crash tore off at the end is passed over."""
    from wandb.proto import wandb_internal_pb2

    proto: Any = wandb_internal_pb2
    data, at, whole = path.read_bytes(), _HEAD, b""
    if data[: len(_MARK)] != _MARK:
        return
    while at + _HEAD <= len(data):
        if _BLOCK - at % _BLOCK < _HEAD:  # no head begins so near a block's end
            at += _BLOCK - at % _BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + _HEAD])
        end = at + _HEAD + length
        if not kind or end > len(data):
            return
        whole += data[at + _HEAD : end]
        at = end
        if kind in (_WHOLE, _LAST):
            yield proto.Record.FromString(whole)
            whole = b""
