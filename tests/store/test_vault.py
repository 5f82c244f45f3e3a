"""The vault that lasts: numbers given once, values back, erased with their conversation, the same on both databases."""

from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialoop.errors import DataError
from dialoop.privacy import MemoryVault, Protector
from dialoop.store import Store, StoreVault, open_store, restore_store
from tests.store.samples import filled
from tests.store.workers import keep_values, working

VALUE = "kim@example.org"


def test_a_value_has_one_number_and_comes_back(store: Store):
    vault = store.vault
    assert vault.keep("c1", "email", "a", VALUE) == 1
    assert vault.keep("c1", "email", "b", "lee@example.org") == 2
    assert vault.keep("c1", "email", "a", "KIM@example.org") == 1
    assert vault.keep("c1", "phone", "a", "555 0199") == 1
    assert vault.keep("c2", "email", "a", "other@example.org") == 1
    assert vault.value("c1", "email", 1) == VALUE
    assert vault.value("c1", "email", 3) is None
    assert vault.kept("c1") == [("email", 1, VALUE), ("email", 2, "lee@example.org"), ("phone", 1, "555 0199")]


def test_what_is_kept_is_there_for_another_process(url: str):
    with open_store(url) as first:
        first.vault.keep("c1", "email", "a", VALUE)
    with open_store(url, create=False) as second:
        assert second.vault.value("c1", "email", 1) == VALUE
        assert second.vault.keep("c1", "email", "a", VALUE) == 1


def test_after_erasing_no_number_is_given_again(store: Store):
    vault = store.vault
    vault.keep("c1", "email", "a", VALUE)
    vault.keep("c2", "email", "a", VALUE)
    assert vault.erase("c1") == 1
    assert vault.erase("c1") == 0
    assert vault.value("c1", "email", 1) is None
    assert vault.kept("c1") == []
    assert vault.keep("c1", "email", "a", VALUE) == 2
    assert vault.value("c2", "email", 1) == VALUE


def test_erasing_a_conversation_erases_its_values_from_the_file_too(tmp_path: Path):
    with open_store(tmp_path / "store.db") as store:
        filled(store)
        store.vault.keep("c1", "email", "a", VALUE)
        assert store.erase("c1", reason="asked for").cleared
        assert store.vault.kept("c1") == []
        found = [file.name for file in tmp_path.iterdir() if VALUE.encode() in file.read_bytes()]
        assert found == []


@pytest.mark.parametrize("value", ["a\x00b", '"quoted"', "李小雨", "x" * 5000, ""])
def test_any_text_is_kept_as_it_is(store: Store, value: str):
    assert store.vault.keep("c1", "text", value, value) == 1
    assert store.vault.value("c1", "text", 1) == value
    assert store.vault.keep("c1", "text", value, value) == 1


def test_half_a_character_is_refused(store: Store):
    with pytest.raises(DataError, match="surrogate"):
        store.vault.keep("c1", "text", "a", "\ud800")


def test_threads_that_keep_one_value_at_once_get_one_number(store: Store):
    given_out: list[int] = []

    def keep() -> None:
        for number in range(10):
            given_out.append(store.vault.keep("c1", "name", f"{number}", f"value {number}"))

    threads = [Thread(target=keep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given_out) == sorted([*range(1, 11)] * 4)
    assert len(store.vault.kept("c1")) == 10


def test_processes_that_keep_values_at_once_agree(url: str, store: Store):
    with working(keep_values, url, 20) as (_, one), working(keep_values, url, 20) as (_, other):
        assert one.recv() == other.recv()
    assert sorted(number for _, number, _ in store.vault.kept("c1")) == list(range(1, 21))


def test_a_backup_holds_the_vault(store: Store, tmp_path: Path):
    filled(store)
    store.vault.keep("c1", "email", "a", VALUE)
    store.vault.keep("c1", "email", "b", "lee@example.org")
    store.vault.keep("c9", "phone", "p", "555 0199")
    store.vault.erase("c9")
    store.backup(tmp_path / "b.gz")
    restore_store(tmp_path / "b.gz", tmp_path / "other.db")
    with open_store(tmp_path / "other.db") as restored:
        assert restored.vault.kept("c1") == store.vault.kept("c1")
        assert restored.vault.keep("c1", "email", "b", "lee@example.org") == 2
        assert restored.vault.keep("c9", "phone", "p", "555 0199") == 2


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.sampled_from("ab"), st.sampled_from(["name", "phone"]), st.sampled_from("xyz")),
        st.tuples(st.just("erase"), st.sampled_from("ab")),
    ),
    max_size=12,
)


@settings(max_examples=25)
@given(steps=STEPS)
def test_it_does_what_the_vault_in_memory_does(steps: list[tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory):
    memory = MemoryVault()
    with open_store(tmp_path_factory.mktemp("vault") / "store.db") as store:
        for step, *values in steps:
            if step == "keep":
                conversation, kind, same = values
                asked = (conversation, kind, same, same.upper())
                assert store.vault.keep(*asked) == memory.keep(*asked)
            else:
                assert store.vault.erase(*values) == memory.erase(*values)
        for conversation in "ab":
            assert sorted(store.vault.kept(conversation)) == sorted(memory.kept(conversation))


def test_a_protector_works_with_it(store: Store):
    vault: StoreVault = store.vault
    shown = Protector(vault, "c1").protect(f"write to {VALUE}")
    assert shown == "write to <email_1>"
    assert Protector(vault, "c1").restore(shown).value == f"write to {VALUE}"
