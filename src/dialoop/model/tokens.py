"""Text segments become token ids: the same segment always gives the same ids, wherever it stands.

Segments are tokenised apart from each other, so the tokens of a prompt are the first tokens of every sentence that
begins with it. Long pieces that come again (a list of tools) are remembered. It does not know what a segment means.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from dialoop.model.chat import MARK, control_pattern, control_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LONG, _SHORT = 200, 16  # characters; tools and results come again, and so do the names of roles; what is said does not
_REMEMBERED = 2048  # pieces


class Encoder:
    """Tokenises segments with one tokenizer. `controls`: its control tokens and their ids."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self.controls = control_tokens(tokenizer)
        self._pattern = control_pattern(tuple(self.controls))
        self._lock = Lock()  # a tokenizer's settings change with each call, so two threads must not be in it at once
        self._newline = self._plain(["\n"])[0]
        self._pieces: OrderedDict[str, list[int]] = OrderedDict()
        self._splits_cleanly = self._probe()

    def encode(self, segments: Sequence[str]) -> list[list[int]]:
        """The ids of each of `segments`, which stand in this order, the first at the text's beginning."""
        if self._splits_cleanly:
            return self._by_pieces(segments)
        return [
            self._by_pieces([segment])[0] if MARK in segment else self._whole(segment, first=position == 0)
            for position, segment in enumerate(segments)
        ]

    def _probe(self) -> bool:
        """Whether a control token's neighbours tokenise as if they stood alone (no strips, no space put in front)."""
        added = self.tokenizer.added_tokens_decoder.values()
        if any(token.special and (token.lstrip or token.rstrip or token.single_word) for token in added):
            return False
        controls = [*self.controls][:1]
        text = "x y"
        alone = self._plain([text])[0]
        after_newline = self._plain(["\n" + text])[0]
        after_control = [self._plain([control + text])[0][1:] for control in controls]
        return all(ids == alone for ids in [after_newline[len(self._newline) :], *after_control])

    def _plain(self, texts: list[str], *, words_only: bool = False) -> list[list[int]]:
        if not texts:
            return []
        options: dict[str, Any] = {"split_special_tokens": True} if words_only else {}
        with self._lock:
            found = self.tokenizer(
                texts,
                add_special_tokens=False,
                return_attention_mask=False,
                return_token_type_ids=False,
                truncation=False,
                padding=False,
                verbose=False,
                **options,
            )
        return [list(ids) for ids in found["input_ids"]]

    def _whole(self, segment: str, *, first: bool) -> list[int]:
        if first:
            return self._plain([segment])[0]
        # After a newline no tokenizer puts a space in front; the newline's own ids are taken off again.
        ids = self._plain(["\n" + segment])[0]
        if ids[: len(self._newline)] == self._newline:
            return ids[len(self._newline) :]
        return self._plain([segment])[0]

    def _by_pieces(self, segments: Sequence[str]) -> list[list[int]]:
        split = [self._pattern.split(segment) for segment in segments]
        wanted = [piece for pieces in split for piece in pieces[::2] if piece]
        known = self._look_up(wanted)
        result: list[list[int]] = []
        for pieces in split:
            ids: list[int] = []
            for position, piece in enumerate(pieces):
                if position % 2:
                    ids.append(self.controls[piece])
                elif piece:
                    ids += known[piece]
            result.append(ids)
        return result

    def _look_up(self, wanted: list[str]) -> dict[str, list[int]]:
        known: dict[str, list[int]] = {}
        new: list[str] = []
        for piece in dict.fromkeys(wanted):
            if MARK in piece:
                known[piece] = self._plain([piece.replace(MARK, "")], words_only=True)[0]
            elif piece in self._pieces:
                self._pieces.move_to_end(piece)
                known[piece] = self._pieces[piece]
            else:
                new.append(piece)
        for piece, ids in zip(new, self._plain(new), strict=True):
            known[piece] = ids
            if not _SHORT < len(piece) < _LONG:
                self._pieces[piece] = ids
        while len(self._pieces) > _REMEMBERED:
            self._pieces.popitem(last=False)
        return known


@lru_cache(maxsize=16)
def _encoder(tokenizer: PreTrainedTokenizerBase, size: int) -> Encoder:
    return Encoder(tokenizer)


def encoder(tokenizer: PreTrainedTokenizerBase) -> Encoder:
    """The encoder of `tokenizer`, made once, and again where tokens were added to it."""
    return _encoder(tokenizer, len(tokenizer))
