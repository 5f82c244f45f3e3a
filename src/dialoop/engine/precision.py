"""Which number format this machine computes fastest in: measured at start-up, not assumed.

Processors with matrix units for bfloat16 (Intel AMX, most GPUs) are several times faster in it, others slower than in
float32. It measures the products of matrices that generation consists of; it knows no models.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Literal

import torch

_SHAPES = ((8, 512, 1536), (128, 512, 1536))  # (tokens, width in, width out): a step of a batch, a piece of a prompt
_WORTH = 0.8


@lru_cache(maxsize=4)
def probe_dtype(device: str = "cpu") -> Literal["float32", "bfloat16"]:
    """The faster of the two on `device`; bfloat16, which is coarser, only where it saves a fifth. Takes about 0.1 s."""
    taken = {dtype: _seconds(dtype, torch.device(device)) for dtype in (torch.float32, torch.bfloat16)}
    return "bfloat16" if taken[torch.bfloat16] < _WORTH * taken[torch.float32] else "float32"


def _seconds(dtype: torch.dtype, device: torch.device) -> float:
    """The best time of several rounds over the shapes, the first few being warm-up."""
    pairs = [
        (torch.ones(tokens, wide, dtype=dtype, device=device), torch.ones(out, wide, dtype=dtype, device=device))
        for tokens, wide, out in _SHAPES
    ]
    best = float("inf")
    with torch.inference_mode():
        for _ in range(12):
            started = time.perf_counter()
            for states, weight in pairs:
                torch.nn.functional.linear(states, weight)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            best = min(best, time.perf_counter() - started)
    return best
