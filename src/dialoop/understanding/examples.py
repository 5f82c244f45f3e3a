"""Labelled examples out of annotated conversations: what customers said, with the one intent it was given.

A message with several intents, or none, teaches no single one and is left out. It knows no models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dialoop.conversation import Conversation, Example


def labelled(conversations: Iterable[Conversation]) -> Iterator[Example]:
    """An example for each message of a user that is annotated with exactly one intent, in order."""
    for conversation in conversations:
        for note in conversation.annotations.messages if conversation.annotations else []:
            message = conversation.messages[note.index]
            intents = list(note.intents.values()) if isinstance(note.intents, dict) else note.intents or []
            if message.role == "user" and message.content and len(intents) == 1:
                yield Example(
                    text=message.content,
                    label=intents[0],
                    lang=conversation.lang,
                    source=conversation.source,
                    customer=conversation.customer,
                    split=conversation.split,
                )
