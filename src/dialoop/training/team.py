"""Processes that train together: all hold the same weights, and each takes its portions of every step.

`dialoop tune --processes N` starts them, as do `torchrun` and `accelerate launch`. What they exchange goes through
Accelerate: gloo between processors, NCCL between GPUs. It knows gradients and plain values; no data, no loss.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from random import Random
from typing import IO, Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from dialoop.errors import SettingsError

T = TypeVar("T")
_EXCHANGED = 16_000_000
"""Numbers of a gradient that are summed at once."""
_WAIT = 0.1
"""Seconds between looks at the processes."""
_GRACE = 10.0
"""Seconds that the others have to end by themselves when one has failed."""
_ENDED = (None, 0, 128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Status of a process that has not failed: under way, done, or stopped and saved."""
_TOLD = 2_000
"""Characters of what a process that failed said last."""


def leads() -> bool:
    """Whether this process writes and tells: the first of those that train together, or the only one."""
    return int(os.environ.get("RANK", "0")) == 0


def is_member() -> bool:
    """Whether somebody has started this process as one of several."""
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def accelerator_for(device: str, processes: int) -> Accelerator:
    """On the device that was asked for. Raises SettingsError where there is none, or other processes than these."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(device, True):
        raise SettingsError(f"device is {device!r}, and this machine has none", remedy="leave device at auto, or cpu")
    # Accelerate joins processes on processors only where it is told that they are on processors
    on_cpu = device == "cpu" or (device == "auto" and not torch.accelerator.is_available())
    accelerator = Accelerator(cpu=on_cpu, mixed_precision="no")
    if device not in ("auto", accelerator.device.type):
        raise SettingsError(
            f"device is {device!r}, and {accelerator.device.type} is the one in use", remedy="leave device at auto"
        )
    if processes > 1 and accelerator.num_processes != processes:
        raise SettingsError(
            f"processes is {processes}, and there are {accelerator.num_processes}",
            remedy=f"start them: dialoop tune --processes {processes}, or torchrun",
        )
    return accelerator


def share(accelerator: Accelerator, items: Sequence[T]) -> Sequence[T]:
    """Those that are this process's."""
    return items[accelerator.process_index :: accelerator.num_processes]


def summed(accelerator: Accelerator, number: float) -> float:
    """The sum over the processes."""
    if accelerator.num_processes == 1:
        return number
    total: Tensor = accelerator.reduce(torch.tensor(number, dtype=torch.float64, device=accelerator.device), "sum")
    return float(total)


def sum_gradients(accelerator: Accelerator, weights: Iterable[nn.Parameter]) -> None:
    """Every weight's gradient becomes the sum over the processes; where one has none, it counts as zeros."""
    if accelerator.num_processes == 1:
        return
    for trained in _together(weights):
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
        whole: Tensor = accelerator.reduce(torch.cat([part.reshape(-1).float() for part in parts]), "sum")
        for weight, part in zip(trained, torch.split(whole, [p.numel() for p in trained]), strict=True):
            weight.grad = part.view_as(weight).to(weight.dtype)


def _together(weights: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    """In their order, up to `_EXCHANGED` numbers at once: few exchanges, and little memory beside the gradients."""
    groups: list[list[nn.Parameter]] = [[]]
    for weight in weights:
        if groups[-1] and sum(one.numel() for one in groups[-1]) + weight.numel() > _EXCHANGED:
            groups.append([])
        groups[-1].append(weight)
    return groups


def own_dice(accelerator: Accelerator, seed: int, step: int) -> None:
    """Seed what this process draws in a step (dropout) by its number: a run that goes on draws the same."""
    if accelerator.num_processes > 1:
        number = Random(f"{seed}/{step}/{accelerator.process_index}").getrandbits(63)
        torch.manual_seed(number)


def agreed(accelerator: Accelerator, value: T) -> T:
    """The first process's value, a plain one, for all."""
    if accelerator.num_processes == 1:
        return value
    told: list[Any] = broadcast_object_list([value])
    found: T = told[0]
    return found


def start(processes: int, arguments: Sequence[str]) -> int:
    """Run `dialoop` with the arguments in so many processes of this machine; the exit status.

    The first has the terminal. Ctrl-C reaches all of them, SIGTERM is passed on; when one fails the others are ended.
    """
    told = {"WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _port()}
    told["OMP_NUM_THREADS"] = max(1, (os.cpu_count() or 1) // processes)
    with tempfile.TemporaryFile() as heard:
        members = [_member(number, told, arguments, heard) for number in range(processes)]

        def pass_on(number: int, frame: Any) -> None:
            for member in members:
                member.send_signal(signal.SIGTERM)

        former = {signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on)}
        former[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            status = _wait(members)
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
            for member in members:
                member.kill()
        if status and members[0].returncode in (0, -signal.SIGKILL):
            heard.seek(0)
            sys.stderr.write(heard.read().decode("utf-8", "replace")[-_TOLD:])
        return status


def _member(number: int, told: dict[str, Any], arguments: Sequence[str], heard: IO[bytes]) -> subprocess.Popen[bytes]:
    env = os.environ | {name: str(value) for name, value in (told | {"RANK": number, "LOCAL_RANK": number}).items()}
    command = [sys.executable, "-m", "dialoop", *arguments]
    if number == 0:
        return subprocess.Popen(command, env=env)
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=heard)


def _wait(members: Sequence[subprocess.Popen[bytes]]) -> int:
    """Until all have ended, or one has failed and the others had a moment to end by themselves; the first failure."""
    deadline = float("inf")
    while any(member.poll() is None for member in members) and time.monotonic() < deadline:
        if deadline == float("inf") and any(member.returncode not in _ENDED for member in members):
            deadline = time.monotonic() + _GRACE
        time.sleep(_WAIT)
    return next((member.returncode for member in members if member.returncode), 0)


def _port() -> int:
    """One that is free on this machine."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
    return port
