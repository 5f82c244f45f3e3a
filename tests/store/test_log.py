"""The event log on both databases: adding, reading, finding, message keys."""

import subprocess
import sys
import threading
from typing import Any

import pytest

from dialoop.conversation import EVENT, fold
from dialoop.errors import DataError, SettingsError, StoreError
from dialoop.store import Store, open_store
from tests.store.samples import event, every_kind, filled, held, opened, said


def test_every_kind_of_event_comes_back_as_it_was(store: Store):
    events = every_kind()
    assert {one.kind for one in events} == {*EVENT.json_schema()["discriminator"]["mapping"]} - {"erased"}
    added = store.append(events, lease=held(store))
    assert (added.first, added.last, added.repeated) == (1, len(events), False)
    assert list(store.events("c1")) == events
    assert list(store.events("c1", after=15)) == events[15:]
    assert store.verify().whole


def test_what_a_conversations_row_tells_is_what_the_fold_tells(store: Store):
    lease = held(store)
    events = every_kind()
    for upto, one in enumerate(events, start=1):
        store.append([one], lease=lease)
        known, state = store.conversation("c1"), fold(events[:upto])
        assert known is not None
        assert (known.phase, known.agent, known.seq, known.tenant) == (state.phase, state.agent, upto, state.tenant)
    assert store.verify("c1").whole


def test_events_are_read_over_many_pages(store: Store):
    filled(store, words=1203)
    assert [one.seq for one in store.events("c1", after=2)] == list(range(3, 1205))
    assert list(store.events("unknown")) == []


def test_what_was_added_is_there_after_opening_again(url: str):
    with open_store(url) as store:
        filled(store)
    with open_store(url, create=False) as store:
        assert [one.seq for one in store.events("c1")] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([], "no events"),
        ([said(4)], "a gap or a doublet"),
        ([said(2)], "a gap or a doublet"),
        ([said(3), said(5)], "a gap or a doublet"),
        ([said(3, conversation="c2")], "'c2'"),
        ([opened(seq=3)], "begins with 'opened'"),
        ([event("erased", 3, reason="x")], "erasing alone"),
        ([said(3, tenant="inn")], "tenant 'inn'"),
        ([said(3, customer="bob@example.org")], "another customer"),
        ([said(3, agent="x" * 201)], "201 characters"),
        ([said(3, agent="a\x00b")], "cannot be kept"),
        ([event("understood", 3, slots={"x": float("nan")})], "cannot be written as JSON"),
        ([event("understood", 3, slots={"x": "\ud800"})], "surrogate"),
    ],
)
def test_what_does_not_belong_is_refused_whole(store: Store, events: list[Any], what: str):
    lease = held(store)
    store.append([opened(), said(2)], lease=lease)
    with pytest.raises(DataError, match=what) as refused:
        store.append(events, lease=lease)
    assert refused.value.remedy
    assert len(list(store.events("c1"))) == 2
    store.append([said(3)], lease=lease)


def test_half_of_what_is_added_is_never_there(store: Store):
    lease = held(store)
    with pytest.raises(DataError):
        store.append([opened(), said(2), event("understood", 3, slots={"x": float("inf")})], lease=lease)
    assert store.conversation("c1") is None
    assert list(store.events("c1")) == []
    with pytest.raises(DataError, match="'opened'"):
        store.append([said(1)], lease=lease)


def test_a_message_that_comes_twice_is_added_once(store: Store):
    lease = held(store)
    store.append([opened()], lease=lease)
    first = store.append([said(2, shown="NAME_1")], lease=lease, key="m1")
    assert not first.repeated
    again = store.append([said(3, shown="NAME_2")], lease=lease, key="m1")
    assert (again.conversation, again.first, again.last, again.repeated) == ("c1", 2, 2, True)
    assert store.remembered("m1", tenant="hotel", customer="ann@example.org") == again
    assert len(list(store.events("c1"))) == 2


def test_a_first_message_that_comes_twice_is_the_same_without_the_opening(store: Store):
    lease = held(store)
    store.append([opened(), said(2)], lease=lease, key="m1")
    assert store.append([said(3)], lease=lease, key="m1").repeated
    assert store.append([opened(), said(2)], lease=lease, key="m1").repeated


def test_a_key_belongs_to_its_customer_and_to_one_message(store: Store):
    lease = held(store)
    store.append([opened(), said(2)], lease=lease, key="m1")
    assert store.remembered("m1", tenant="hotel") is None
    assert store.remembered("m1", tenant="inn", customer="ann@example.org") is None
    with pytest.raises(DataError, match="another message"):
        store.append([said(3, "another thing")], lease=lease, key="m1")
    other = held(store, "c2")
    with pytest.raises(DataError, match="'c1'"):
        store.append([opened("c2"), said(2, conversation="c2")], lease=other, key="m1")
    bob = {"customer": "bob@example.org"}
    assert not store.append([opened("c2", **bob), said(2, conversation="c2", **bob)], lease=other, key="m1").repeated


def test_a_refused_message_leaves_no_key_behind(store: Store):
    lease = held(store)
    store.append([opened()], lease=lease)
    with pytest.raises(DataError):
        store.append([said(9)], lease=lease, key="m1")
    assert store.remembered("m1", tenant="hotel", customer="ann@example.org") is None


def test_conversations_are_found_newest_first_and_by_page(store: Store):
    for number in range(7):
        customer = "ann@example.org" if number % 2 else "bob@example.org"
        filled(store, f"c{number}", customer=customer, tenant="hotel") if number < 6 else None
    lease = held(store, "x")
    store.append(
        [opened("x", tenant="inn", agent="bar"), event("escalated", 2, "x", tenant="inn", reason="r")], lease=lease
    )

    def found(**wanted: Any) -> list[str]:
        return [known.conversation for known in store.conversations(**wanted)]

    assert found(tenant=None) == ["x", "c5", "c4", "c3", "c2", "c1", "c0"]
    assert found(tenant="hotel", customer="ann@example.org") == ["c5", "c3", "c1"]
    assert found(tenant="inn", agent="bar", phase="asked") == ["x"]
    assert found(tenant="hotel", phase="asked") == []
    page = store.conversations(tenant="hotel", limit=4)
    assert [known.conversation for known in page] == ["c5", "c4", "c3", "c2"]
    assert found(tenant="hotel", limit=4, before=page[-1].number) == ["c1", "c0"]


def test_a_search_that_cannot_be_meant_is_refused(store: Store):
    with pytest.raises(DataError, match="no phase 'opened'"):
        store.conversations(tenant=None, phase="opened")
    with pytest.raises(SettingsError, match="a page of 0"):
        store.conversations(tenant=None, limit=0)


def test_threads_of_one_process_wait_for_one_another(store: Store):
    def work(name: str) -> None:
        for _ in range(5):
            lease = held(store, name)
            known = store.conversation(name)
            store.append([opened(name)] if known is None else [said(known.seq + 1, conversation=name)], lease=lease)
            store.release(lease)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [known.seq for known in store.conversations(tenant="hotel")] == [5] * 12
    assert store.verify().whole


def test_a_closed_store_says_so(url: str):
    store = open_store(url)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.now()


def test_the_time_is_the_databases_and_fits_an_event(store: Store):
    now = store.now()
    assert event("decided", 2, action="x", at=now).at == now
    assert store.now() >= now


def test_importing_the_room_loads_no_torch():
    code = "import sys, dialoop.store; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
