"""Keeps freed memory with the process for a while, so that steps do not ask for the same pages again and again.

A step of training frees and takes the same large blocks; by default glibc gives each back to the kernel, and the page
faults cost up to 1.8 times the time. Does nothing where the C library is no glibc.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_MOST = (1 << 31) - 1
_USUAL = 128 << 10
"""Both thresholds as glibc begins with them, bytes."""


@contextmanager
def freed_memory_kept() -> Iterator[bool]:
    """Within the block freed memory stays with the process; behind it, it goes back. Gives whether that could be."""
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        yield False
        return
    libc = ctypes.CDLL(None)
    trim = libc.mallopt(_M_TRIM_THRESHOLD, _MOST)
    mapped = any(libc.mallopt(_M_MMAP_THRESHOLD, size) for size in (1 << 30, 1 << 25))  # older ones take 32 MB at most
    try:
        yield bool(trim and mapped)
    finally:
        libc.mallopt(_M_TRIM_THRESHOLD, _USUAL)
        libc.mallopt(_M_MMAP_THRESHOLD, _USUAL)
        libc.malloc_trim(0)
