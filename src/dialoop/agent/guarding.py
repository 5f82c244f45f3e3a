"""The guard: a text is looked at sentence by sentence before it leaves, and what must not leave is withheld.

Looked for: stand-ins that stand for nothing, the markup of tool calls and chat templates, the system message given
away, a sentence said again and again. It knows no engine and no log.
"""

from __future__ import annotations

import re
from collections import Counter

_END = re.compile(r"[。！？!?…]+[”’」』）)\"'】]*\s*|\.+[”’)\"']*\s+|\n+")
"""Where a sentence ends. A full stop ends one only with a space behind it: 3.5, example.org."""
LONGEST = 400
"""Characters after which a text without any end of a sentence is cut at a space."""

_MARKUP = re.compile(
    r"</?(?:tool_call|tool_calls|tool_response|tools|function|functions|function_call|think|system|assistant|user)\b"
    r"|<\|[^|<>]{1,40}\|>|\[/?(?:INST|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\]|<</?SYS>>|<(?:s|/s|bos|eos|pad|unk)>"
    r'|[{,]\s*"(?:name|arguments|tool_calls|function|parameters)"\s*:|<function=|<invoke\b',
    re.IGNORECASE,
)
_BEGUN_MARKUP = re.compile(r"<[|/]?[A-Za-z_|]{0,40}$")
MOST_SAME = 3
"""Times that one sentence may stand in an answer, less one."""
_INSTRUCTS = re.compile(
    r"\b(?:you are|you work|you help|you must|you should|your (?:task|job|role)|never|always|must not|do not|don't)\b"
    r"|你是|你为|你在|你的(?:任务|职责)|必须|不要|不得|始终|切勿",
    re.IGNORECASE,
)
"""What tells the instructions of a system message from the facts in it, which may be quoted."""
_LONG = {"words": (6, 12), "signs": (10, 24)}
"""How long a run of an instruction gives it away, least and enough: words, or signs of Chinese."""


class Sentences:
    """Cuts a streamed text into sentences: `feed` every piece, then `finish`. Joined, they are the text."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> list[str]:
        """The sentences that are whole after this piece, each with the space behind it."""
        self._held += piece
        found = []
        while (cut := self._cut()) is not None:
            found.append(self._held[:cut])
            self._held = self._held[cut:]
        return found

    def finish(self) -> list[str]:
        """What is left."""
        left, self._held = self._held, ""
        return [left] if left else []

    def _cut(self) -> int | None:
        for end in _END.finditer(self._held):
            if end.end() < len(self._held) and self._held[: end.end()].strip():
                return end.end()  # what comes next is there: no more signs of the end can follow
        if len(self._held) > LONGEST:
            space = self._held.rfind(" ", 1, LONGEST)
            return space + 1 if space > 0 else LONGEST
        return None


class SentenceGuard:
    """Looks at the sentences of one answer in order."""

    def __init__(self, system: str | None) -> None:
        self._secret = [
            run for sentence in _sentences(system or "") if _INSTRUCTS.search(sentence) for run in _runs(sentence)
        ]
        self._seen: Counter[str] = Counter()
        self._so_far = ""

    def fault(self, sentence: str, unknown: tuple[str, ...] = ()) -> str | None:
        """Why the sentence must not leave, if so. `unknown`: stand-ins in it that stand for nothing."""
        if unknown:
            return f"made-up stand-in {unknown[0]}"
        if _MARKUP.search(sentence) or _BEGUN_MARKUP.search(sentence):
            return "markup of tool calls or templates"
        self._so_far += sentence
        said = _folded(self._so_far)
        if any(run in said for run in self._secret):
            return "the system message given away"
        bare = "".join(sign for sign in sentence.casefold() if sign.isalnum())
        if bare:
            self._seen[bare] += 1
            if self._seen[bare] >= MOST_SAME:
                return "a sentence said again and again"
        return None


def _sentences(text: str) -> list[str]:
    cut = Sentences()
    return [*cut.feed(text), *cut.finish()]


def _folded(text: str) -> str:
    """Words of Latin letters between single spaces, and the signs of Chinese in a row."""
    words = " ".join(re.findall(r"[a-z0-9']+", text.casefold()))
    signs = "".join(re.findall(r"[\u3400-\u9fff]", text))
    return f" {words} \n{signs}"


def _runs(sentence: str) -> list[str]:
    """What of an instruction gives it away: all its runs that are long enough, in the form of `_folded`."""
    words = re.findall(r"[a-z0-9']+", sentence.casefold())
    signs = re.findall(r"[\u3400-\u9fff]", sentence)
    runs = []
    for parts, glue, (least, enough) in ((words, " ", _LONG["words"]), (signs, "", _LONG["signs"])):
        size = min(enough, len(parts))
        if size >= least:
            joined = [glue.join(parts[at : at + size]) for at in range(len(parts) - size + 1)]
            runs += [f"{glue}{run}{glue}" for run in joined]
    return runs
