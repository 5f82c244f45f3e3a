"""Freed memory stays while it is wanted, and goes back afterwards."""

import platform
from pathlib import Path

import pytest

from dialoop.training.allocator import freed_memory_kept

MB = 1 << 20
GLIBC = platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not GLIBC, reason="only glibc can be told")
def test_freed_memory_stays_within_the_block_and_goes_back_behind_it():
    before = resident()
    with freed_memory_kept() as kept:
        assert kept
        block = bytearray(b"x") * (200 * MB)
        del block
        within = resident()
    after = resident()
    assert within - before > 150 * MB
    assert after - before < 100 * MB


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with freed_memory_kept() as kept:
        assert not kept
