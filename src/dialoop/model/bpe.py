"""Makes the tokenizer of the bundled base: byte-level BPE for English and Chinese dialogue with tool calls.

Built so that a value is cut into the same tokens in prose and in JSON, which is what lets a small model copy it:

- digits one by one, and Han characters one by one (each of the `han` characters is one token, others are bytes);
- `camelCase` and `snake_case` names fall apart into their words;
- merges never join a word with what stands before or behind it. A space before a word is a token of its own, except for
  frequent lower-case words that are no values (`the`, `you`, `would`): these have a twin token that includes the space,
  merged last, so the word itself is always cut alike;
- frequent pieces of JSON and of the chat form are single tokens.

It knows nothing of models or training. Source of the method: Sennrich et al. 2016 (arXiv:1508.07909) for BPE, and
byte-level BPE as of GPT-2; the rest is ours.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""Padding, start of a message, end of a message (the stop token)."""

FORM_TOKENS = (
    "<|im_start|>system\n",
    "<|im_start|>user\n",
    "<|im_start|>assistant\n",
    "<|im_start|>tool\n",
    "<|im_end|>\n",
    "<tools>\n",
    "\n</tools>",
    '<tool_call>\n{"name": "',
    '", "arguments": {',
    "}}\n</tool_call>",
    '{"count":',
    ',"results":[{',
    "<think>",
    "</think>",
)
"""Pieces of the chat form that are one token wherever they stand."""

_LETTERS = r"[\p{L}&&[^\p{Han}]]"
WORDS = "|".join(
    (
        r"'(?:s|t|re|ve|m|ll|d)(?!\p{L})",
        r" ?(?:\p{Lu}?[\p{Ll}\p{M}]+|\p{Lu}+(?!\p{Ll})|" + _LETTERS + r")",
        r"\p{Han}",
        r"\d",
        r'[{}\[\]":,]+(?: [{}\[\]":,]+)*',
        r"_+",
        r"\n+",
        r"\s",
        r".",
    )
)
"""What is cut before merging, as an Oniguruma pattern."""

_ENGLISH_WORD = re.compile(r"(?P<before>.?)(?P<word>(?<![A-Za-z])[a-z]+)")


def byte_symbols() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte (256 entries)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = {byte: chr(byte) for byte in printable}
    spare = iter(range(256, 512))
    return {byte: symbols.get(byte) or chr(next(spare)) for byte in range(256)}


def common_han() -> list[str]:
    """The 3,755 Han characters of GB 2312 level 1, in their order there."""
    return _han(0xB0, 0xD8)


def rarer_han() -> list[str]:
    """The 3,008 of level 2: a tokenizer that is trained here spells them in bytes, unless its texts hold them often."""
    return _han(0xD8, 0xF8)


def _han(first: int, end: int) -> list[str]:
    rows = ((row, cell) for row in range(first, end) for cell in range(0xA1, 0xFF))
    found = []
    for row, cell in rows:
        try:
            found.append(bytes((row, cell)).decode("gb2312"))
        except UnicodeDecodeError:
            continue  # the last five cells of row 0xD7 are empty
    return found


def word_pieces(tokenizer: Path) -> list[str]:
    """The pieces of ASCII letters, two and more, that a `tokenizer.json` has, in its order."""
    return [piece for piece in _vocabulary(tokenizer) if len(piece) > 1 and piece.isascii() and piece.isalpha()]


def twinned_words(tokenizer: Path) -> list[str]:
    """The words that it has as one token with the space before them as well: in prose another one than in quotes."""
    space = byte_symbols()[ord(" ")]
    return [
        piece[1:]
        for piece in _vocabulary(tokenizer)
        if piece[0] == space and piece[1:].isascii() and piece[1:].isalpha()
    ]


def _vocabulary(tokenizer: Path) -> list[str]:
    vocab: dict[str, int] = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    return list(vocab)


def train_tokenizer(texts: Iterable[str], *, pieces: int = 3_000, twins: int = 600) -> Tokenizer:
    """A tokenizer with `pieces` learned merges, a twin with leading space for up to `twins` words, and common Han.

    `texts` are rendered conversations; they are read once. Other non-ASCII characters seen at least 20 times get a
    token.
    """
    words: Counter[str] = Counter()
    spaced: Counter[str] = Counter()
    quoted: Counter[str] = Counter()
    rare: Counter[str] = Counter()
    cut = pre_tokenizers.Split(Regex(WORDS.replace(" ?(?:", "(?:", 1)), "isolated")
    for text in texts:
        for piece, _ in cut.pre_tokenize_str(text):
            words[piece] += 1
        for match in _ENGLISH_WORD.finditer(text):
            before = match["before"]
            (spaced if before == " " else quoted if before == '"' else rare)[match["word"]] += 1
    symbols = byte_symbols()
    base = _learned(words, pieces)
    vocab, merges = list(base[0]), list(base[1])
    others = [
        c for c, n in Counter({w: n for w, n in words.items() if len(w) == 1}).items() if ord(c) > 127 and n >= 20
    ]
    _add_characters([*common_han(), *sorted(others)], vocab, merges, symbols)
    known = set(vocab)
    twin_words = (w for w, n in spaced.most_common() if w in known and quoted[w] < 0.02 * n and n >= 50)
    space = symbols[ord(" ")]
    for word, _ in zip(twin_words, range(twins), strict=False):
        vocab.append(space + word)
        merges.append((space, word))
    return _assemble(vocab, merges)


def _learned(words: Counter[str], pieces: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Merges learned on ASCII pieces; vocabulary in order: bytes, then merges."""
    trainer = trainers.BpeTrainer(
        vocab_size=256 + pieces,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        limit_alphabet=256,
    )
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    learner.train_from_iterator(
        (w for w, n in words.items() if w.isascii() and w.strip(" ") for _ in range(min(n, 20_000))), trainer
    )
    table = learner.get_vocab()
    vocab = sorted(table, key=table.__getitem__)
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    return vocab, merges


def _add_characters(
    characters: Sequence[str], vocab: list[str], merges: list[tuple[str, str]], symbols: dict[int, str]
) -> None:
    """One token for each character, by merging its UTF-8 bytes from the left."""
    known = set(vocab)
    for character in dict.fromkeys(characters):
        parts = [symbols[byte] for byte in character.encode()]
        left = parts[0]
        for right in parts[1:]:
            if left + right not in known:
                known.add(left + right)
                vocab.append(left + right)
                merges.append((left, right))
            left += right


def _assemble(vocab: list[str], merges: list[tuple[str, str]]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(vocab)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL_TOKENS])
    # what holds a special token is special too: nobody's words may turn into it
    steering = [token for token in FORM_TOKENS if any(special in token for special in SPECIAL_TOKENS)]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in steering])
    plain = [token for token in FORM_TOKENS if token not in steering]
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in plain])
    return tokenizer
