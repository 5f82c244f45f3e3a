"""Three made-up intents in English and Chinese, and messages that belong to none; tiny models that differ."""

import random

import torch

from dialoop.conversation import Example

WORDS = {
    "book": ["book a room", "a room please", "reserve a room for two nights", "我想预订房间"],
    "price": ["what is the price", "how much does it cost", "the price of a night", "多少钱一晚"],
    "bye": ["good bye", "thanks and bye", "bye bye", "再见"],
}
OTHERS = [
    "zebra physics",
    "0xFF == 255",
    "QUANTUM!!",
    "¿dónde está?",
    "lorem ipsum dolor",
    "@@@@",
    "ÆØÅ",
    "{}[]",
    "42 42 42",
    "%%%",
]


def examples(count: int, seed: int) -> list[Example]:
    dice = random.Random(seed)
    made = []
    for number in range(count):
        label = dice.choice(sorted(WORDS))
        made.append(Example(text=f"{dice.choice(WORDS[label])} {number % 7}", label=label, customer=f"c{number}"))
    return made


def enliven(model: torch.nn.Module, seed: int = 0) -> None:
    """Give a tiny model weights so large that it says something different of each text."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(0, 1.0 if name.split(".")[0] in ("score", "classifier", "crf") else 0.3)
