"""kill -9 of a process that writes, again and again: what was acknowledged is there, and nothing is there by half."""

from random import Random

from dialoop.conversation import fold
from dialoop.store import open_store
from tests.store.workers import working, write_for_ever


def test_no_acknowledged_event_is_lost_when_the_writer_is_killed(url: str):
    chance = Random(3)
    last = 1
    for _ in range(30):
        with working(write_for_ever, url, "c1") as (process, told):
            for _ in range(chance.randint(1, 6)):
                acknowledged = told.recv()
            process.kill()
            try:
                while True:
                    acknowledged = told.recv()
            except (EOFError, ConnectionResetError):
                pass
        with open_store(url, create=False) as store:
            seqs = [event.seq for event in store.events("c1")]
            assert seqs == list(range(1, len(seqs) + 1))
            assert len(seqs) >= acknowledged > last
            assert len(seqs) % 3 == 1  # three at a time, or none
            assert store.verify().whole
            key = f"c1-{len(seqs) - 3}"
            added = store.remembered(key, tenant="hotel", customer="ann@example.org")
            assert added is not None
            assert added.last == len(seqs)
            assert fold(store.events("c1")).seq == len(seqs)
        last = len(seqs)
