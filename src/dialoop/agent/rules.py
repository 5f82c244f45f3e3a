"""The rules that every agent has: a confirmed call is made, and who asks for a person gets one.

They look at the log, before the project's own rules and before the model. They know no tool and no engine.
"""

from __future__ import annotations

from collections.abc import Callable

from dialoop.agent.course import Course, arguments_of
from dialoop.agent.hearing import is_yes, wants_person
from dialoop.agent.seams import Decision

PERSON = "the customer asked for a person"


def confirmed(course: Course) -> Decision | None:
    """The calls that the customer was asked about, and now said yes to."""
    calls = course.unconfirmed()
    if not calls:
        return None
    situation = course.situation()
    tools = [call.name for call in calls]
    if not is_yes(situation.text, situation.intents, asked=situation.asked, tools=tools):
        return None
    return Decision(rule="confirmed", calls=[(call.name, arguments_of(call)) for call in calls])


def person(course: Course) -> Decision | None:
    """A person for who asks for one; heard once a message."""
    said = course.said
    if said is None or course.steps() or not wants_person(said.text):
        return None
    return Decision(rule="person", escalate=PERSON)


BUILT_IN: tuple[Callable[[Course], Decision | None], ...] = (confirmed, person)
