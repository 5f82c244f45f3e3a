"""Leases and fencing tokens on both databases: one worker at a time, and never an old one."""

import pytest

from dialoop.errors import DataError, LeaseLost, SettingsError
from dialoop.store import Lease, Store
from tests.store.samples import held, opened
from tests.store.workers import CONTEXT, race, steal, take_turns, taken, working


def test_a_lease_is_held_by_one_at_a_time(store: Store):
    lease = held(store)
    assert store.acquire("c1", "other", 600) is None
    assert store.acquire("c1", "w", 600) is None
    assert store.acquire("c2", "other", 600) is not None
    assert store.release(lease)
    assert not store.release(lease)
    assert store.acquire("c1", "other", 600) == Lease("c1", "other", lease.token + 1)


def test_a_stale_worker_cannot_write(store: Store):
    slow = held(store, worker="slow", seconds=0.001)
    quick = taken(store, "c1", "quick", 600)
    assert quick.token > slow.token
    with pytest.raises(LeaseLost, match=f"a newer one, {quick.token}") as refused:
        store.append([opened()], lease=slow)
    assert refused.value.remedy
    with pytest.raises(LeaseLost):
        store.renew(slow, 600)
    assert not store.release(slow)
    store.append([opened()], lease=quick)
    assert store.conversation("c1") is not None


def test_a_lease_that_was_given_back_is_no_lease(store: Store):
    lease = held(store)
    store.release(lease)
    with pytest.raises(LeaseLost, match="given back"):
        store.append([opened()], lease=lease)


@pytest.mark.parametrize("forged", [Lease("c1", "w", 99), Lease("c1", "thief", 1), Lease("unknown", "w", 1)])
def test_a_lease_that_was_never_given_out_is_refused(store: Store, forged: Lease):
    held(store)
    with pytest.raises(LeaseLost):
        store.append([opened(forged.conversation)], lease=forged)


def test_a_lease_that_ran_out_holds_until_another_worker_takes_it(store: Store):
    lease = held(store, seconds=0.001)
    while not store.abandoned():
        pass
    store.append([opened()], lease=lease)
    store.renew(lease, 600)
    assert store.abandoned() == []
    assert store.acquire("c1", "other", 600) is None


def test_conversations_of_a_worker_that_died_are_told(store: Store):
    held(store, "alive")
    store.release(held(store, "done", seconds=0.001))
    held(store, "dead", seconds=0.001)
    while not (found := store.abandoned()):
        pass
    assert found == ["dead"]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 90_000])
def test_a_lease_of_no_sensible_length_is_refused(store: Store, seconds: float):
    with pytest.raises(SettingsError, match="seconds"):
        store.acquire("c1", "w", seconds)


@pytest.mark.parametrize("name", ["", "x" * 201, "a\x00b", "\ud800"])
def test_a_name_that_no_database_can_hold_is_refused(store: Store, name: str):
    with pytest.raises(DataError, match="conversation"):
        store.acquire(name, "w", 60)


def test_of_two_processes_one_gets_the_lease(store: Store, url: str):
    start = CONTEXT.Barrier(2)
    with working(race, url, "a", 20, start) as (_, one), working(race, url, "b", 20, start) as (_, two):
        got = [(one.recv(), two.recv()) for _ in range(20)]
    assert all(sorted(pair, key=str) == [1, None] for pair in got)


def test_processes_that_write_at_once_wait_and_lose_nothing(store: Store, url: str):
    turns, names = 8, ("a", "b", "c")
    with (
        working(take_turns, url, "a", turns) as (_, one),
        working(take_turns, url, "b", turns) as (_, two),
        working(take_turns, url, "c", turns) as (_, three),
    ):
        tokens = [each.recv() for each in (one, two, three)]
    assert all(each == sorted(set(each)) for each in tokens)
    assert sorted(token for each in tokens for token in each) == list(range(1, turns * len(names) + 1))
    assert [event.seq for event in store.events("c1")] == list(range(1, turns * len(names) + 1))
    assert store.verify().whole


def test_workers_that_take_leases_from_one_another_never_write_the_same_place(store: Store, url: str):
    store.append([opened()], lease=held(store, seconds=0.001))
    with working(steal, url, "a", 40) as (_, one), working(steal, url, "b", 40) as (_, two):
        added = one.recv() + two.recv()
    assert [event.seq for event in store.events("c1")] == list(range(1, added + 2))
    assert store.verify().whole


def test_the_first_word_of_two_processes_that_open_a_new_store_at_once_is_kept(url: str):
    with working(take_turns, url, "a", 2) as (_, one), working(take_turns, url, "b", 2) as (_, two):
        assert sorted([*one.recv(), *two.recv()]) == [1, 2, 3, 4]
