"""The desk: conversations that need a person, and what a person does with them; functions over a store, no HTTP."""

from dialoop.desk.acts import (
    LONGEST_TEXT,
    approve,
    ask_for_person,
    close,
    deny,
    edit,
    hand_back,
    rate,
    say,
    send_draft,
    take_over,
)
from dialoop.desk.drafting import draft
from dialoop.desk.sight import Called, Line, Note, Said, Sight, see, without_details
from dialoop.desk.waiting import Queue, Waiting, look, queue

__all__ = [
    "LONGEST_TEXT",
    "Called",
    "Line",
    "Note",
    "Queue",
    "Said",
    "Sight",
    "Waiting",
    "approve",
    "ask_for_person",
    "close",
    "deny",
    "draft",
    "edit",
    "hand_back",
    "look",
    "queue",
    "rate",
    "say",
    "see",
    "send_draft",
    "take_over",
    "without_details",
]
