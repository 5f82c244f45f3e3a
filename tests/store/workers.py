"""Processes of their own that use a store: they are started, raced and killed by the tests."""

import multiprocessing
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from dialoop.errors import DialoopError, LeaseLost
from dialoop.store import Lease, Store, open_store
from tests.store.samples import opened, said

CONTEXT = multiprocessing.get_context("forkserver")  # a clean process each, without importing everything anew
CONTEXT.set_forkserver_preload(["tests.store.workers"])


@contextmanager
def working(work: Any, *values: Any) -> Iterator[tuple[BaseProcess, Connection]]:
    """A process that runs `work(*values, connection)`; it is killed at the end if it still runs."""
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=work, args=(*values, there))
    process.start()
    there.close()
    try:
        yield process, here
    finally:
        process.kill()
        process.join()
        process.close()
        here.close()


def taken(store: Store, conversation: str, worker: str, seconds: float) -> Lease:
    while True:
        lease = store.acquire(conversation, worker, seconds)
        if lease is not None:
            return lease


def write_for_ever(url: str, conversation: str, told: Connection) -> None:
    """Adds messages by threes, each three under a key; tells the seq of the last once that is acknowledged."""
    with open_store(url) as store:
        lease = taken(store, conversation, "writer", 0.001)
        known = store.conversation(conversation)
        if known is None:
            store.append([opened(conversation)], lease=lease)
        seq = 1 if known is None else known.seq
        while True:
            events = [said(seq + more, f"word {seq + more}", conversation) for more in (1, 2, 3)]
            seq = store.append(events, lease=lease, key=f"{conversation}-{seq}").last
            told.send(seq)


def race(url: str, worker: str, rounds: int, start: Any, told: Connection) -> None:
    """In each round all begin at once and want the same lease; tells the token that it got, or None."""
    with open_store(url) as store:
        for number in range(rounds):
            start.wait()
            lease = store.acquire(f"c{number}", worker, 600)
            told.send(None if lease is None else lease.token)


def take_turns(url: str, worker: str, turns: int, told: Connection) -> None:
    """Adds one message a turn to a conversation that others write too; tells the tokens."""
    with open_store(url) as store:
        tokens = []
        for _ in range(turns):
            lease = taken(store, "c1", worker, 600)
            known = store.conversation("c1")
            store.append([opened()] if known is None else [said(known.seq + 1, worker)], lease=lease)
            store.release(lease)
            tokens.append(lease.token)
        told.send(tokens)


def steal(url: str, worker: str, turns: int, told: Connection) -> None:
    """Adds messages under leases that run out at once, so that another may take each at any moment; tells how many."""
    with open_store(url) as store:
        added = 0
        for _ in range(turns):
            lease = taken(store, "c1", worker, 0.001)
            known = store.conversation("c1")
            assert known is not None
            try:
                store.append([said(known.seq + 1, worker)], lease=lease)
                added += 1
            except LeaseLost:
                pass
        told.send(added)


def fill_the_disk(path: Path, told: Connection) -> None:
    """Writes until the disk (a limit on the size of files) is full; tells the error, then goes on with room again."""
    with open_store(path) as store:
        lease = taken(store, "c1", "w", 600)
        store.append([opened()], lease=lease)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
        seq = 1
        try:
            while True:
                seq = store.append([said(seq + 1, "word " * 2000)], lease=lease).last
        except DialoopError as error:
            told.send((str(error), seq))
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        told.send(store.append([said(seq + 1)], lease=lease).last)


def back_up_to_a_full_disk(source: Path, target: Path, told: Connection) -> None:
    """Tells the error of a backup that has no room."""
    with open_store(source) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        try:
            store.backup(target)
        except DialoopError as error:
            told.send(str(error))


def keep_values(url: str, count: int, told: Connection) -> None:
    """Keeps so many values, which others keep as well; tells their numbers."""
    with open_store(url) as store:
        told.send([store.vault.keep("c1", "name", str(number), f"value {number}") for number in range(count)])
