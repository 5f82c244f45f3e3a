"""The memory probe finds a value that a model has learnt by heart, and nothing in one that has not."""

from pathlib import Path

import pytest
import torch

from dialoop.conversation import Conversation, Message
from dialoop.learning import Secret, probe
from dialoop.model import Base, load_base, sentences
from dialoop.privacy import MemoryVault, Protector

from .served import SYSTEM

VALUES = ("020 7946 0958", "olivia.stonebridge@example.org")
WORDS = f"My number is {VALUES[0]}, my address {VALUES[1]}."


def conversation(text: str) -> Conversation:
    messages = [
        Message(role="system", content=SYSTEM),
        Message(role="user", content=text),
        Message(role="assistant", content=f"Noted: {text}"),
    ]
    return Conversation(id="c", messages=messages)


def learnt_by_heart(base: Path, taught: Conversation) -> Base:
    """A tiny model that was trained on one conversation until it knows it, whoever speaks."""
    loaded = load_base(base)
    [made] = sentences(taught.messages, [], loaded.tokenizer)
    ids = torch.tensor([made.ids])
    loaded.model.train()
    optimiser = torch.optim.AdamW(loaded.model.parameters(), lr=1e-2)
    for _ in range(80):
        optimiser.zero_grad()
        loaded.model(input_ids=ids, labels=ids).loss.backward()
        optimiser.step()
    loaded.model.eval()
    return loaded


@pytest.fixture(scope="module")
def vault() -> MemoryVault:
    made = MemoryVault()
    Protector(made, "c").protect(WORDS)
    return made


def test_what_was_learnt_unprotected_is_found(base: Path, vault: MemoryVault):
    shown = conversation(Protector(vault, "c").protect(WORDS))
    found = probe(learnt_by_heart(base, conversation(WORDS)), [shown], vault, 10)
    assert (found.values, found.prompts, found.untold) == (2, 4, 0)
    assert {leak.kind for leak in found.leaks} >= {"phone"}
    assert not any(value in found.model_dump_json() for value in VALUES)


def test_what_was_learnt_with_stand_ins_gives_nothing_away(base: Path, vault: MemoryVault):
    shown = conversation(Protector(vault, "c").protect(WORDS))
    found = probe(learnt_by_heart(base, shown), [shown], vault, 10)
    assert (found.prompts, found.leaks) == (4, [])


def test_so_many_values_are_probed_and_no_more(base: Path, vault: MemoryVault):
    shown = conversation(Protector(vault, "c").protect(WORDS))
    assert probe(load_base(base), [shown], vault, 1).prompts == 2


def test_a_place_beyond_the_window_is_told(base: Path, vault: MemoryVault):
    shown = conversation("a very long story " * 500 + Protector(vault, "c").protect(WORDS))
    found = probe(load_base(base), [shown], vault, 10)
    assert (found.prompts, found.too_long) == (0, 2)


@pytest.mark.parametrize(
    ("kind", "value", "text", "within", "telling"),
    [
        ("phone", "020 7946 0958", "call 02079460958 now", True, True),
        ("phone", "020 7946 0958", "call 0207946 now", False, True),
        ("phone", "12345", "12345", False, False),
        ("email", "Eve@Example.org", "to eve@example.org.", True, True),
        ("name", "Eve Stone", "dear EVE  stone,", True, True),
        ("name", "Eve", "evening", False, False),
        ("name", "Eve", "dear Eve", True, False),
        ("name", "欧阳小明", "我是欧阳小明。", True, True),
        ("name", "王明", "我是王明", True, False),
    ],
)
def test_a_value_is_found_in_any_writing(kind: str, value: str, text: str, within: bool, telling: bool):
    secret = Secret("c", kind, value)
    assert (secret.within(text), secret.telling) == (within, telling)
