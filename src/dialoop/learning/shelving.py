"""What a round of learning does with the shelf: whom a candidate is judged against, and how it is put there at the end.

Every step can be repeated after a crash. It knows versions, no conversations and no figures but those it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dialoop.errors import ModelError
from dialoop.learning.deciding import Decision
from dialoop.model import Shelf, resolve_model
from dialoop.model.folder import verify
from dialoop.model.shelf import ServiceChanged


@dataclass(frozen=True)
class Against:
    """The version that a candidate is judged against, and the one that the shelf has in service (None: none)."""

    version: str
    current: str | None


def judged_against(kept: Shelf, serving: str | None, base: str, by: str) -> Against:
    """The version in service; where none is, `serving`, which comes onto the shelf so that it can be rolled back to.

    `serving`: the model that serves while the shelf has none in service. Where that is not known (None) `base` is
    judged against, and does not come into service: what serves goes on serving.
    """
    current = kept.current
    if current is not None:
        return Against(current.name, current.name)
    folder = resolve_model(serving or base, shelf=kept.path)
    fingerprint = verify(folder)
    name = next((version.name for version in kept.list() if version.fingerprint == fingerprint), None)
    if name is None:
        known = f"what served before the first round: {serving}"
        why = known if serving is not None else f"what was tuned first, {base}; what served is not known"
        name = kept.add(folder, free_name(kept, "first"), make_current=False, by=by, why=why).name
    if serving is None:
        return Against(name, None)
    try:
        kept.promote(name, by=by, why=f"it serves already: {serving}", anyway=True, expected=None)
    except ServiceChanged:  # somebody put another version into service meanwhile
        return judged_against(kept, serving, base, by)
    return Against(name, name)


def free_name(kept: Shelf, wanted: str) -> str:
    """A name that no version has: `wanted`, or that with a number."""
    taken = {version.name for version in kept.list()}
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def put(kept: Shelf, made: Path, decision: Decision, expected: str | None, by: str) -> Decision:
    """The candidate in the folder `made` onto the shelf, and into service or not; gives the decision as it came out.

    `expected`: the version in service when it was judged; where another one is by now, it is not promoted. What a call
    before this one did already is not done again. Raises ModelError where a candidate cannot be promoted.
    """
    name = decision.candidate
    try:
        _add(kept, made, decision, by)
    except ModelError as error:
        if decision.promoted:
            raise
        note = f"It was not put on the shelf: {error.what}."
        return decision.model_copy(update={"notes": [*decision.notes, note]})
    if any(change.version == name and change.action != "added" for change in kept.history()):
        return decision
    if not decision.promoted:
        kept.refuse(name, by=by, why=decision.reason)
        return decision
    try:
        kept.promote(name, by=by, why=decision.reason, expected=expected)
    except ServiceChanged as error:
        reason = (
            f"It was not promoted: {error.what}, since somebody changed that while the round was held. "
            f"Judge it anew: dialoop learn --candidate {kept.folder(name)}. What was found: {decision.reason}"
        )
        return decision.model_copy(update={"promoted": False, "reason": reason})
    return decision


def _add(kept: Shelf, made: Path, decision: Decision, by: str) -> None:
    name, folder = decision.candidate, resolve_model(made)
    there = next((version for version in kept.list() if version.name == name), None)
    if there is not None and there.fingerprint == verify(folder):
        return
    figures = {f"{one.measure} on {one.on}": one.after for one in decision.findings if one.group == "all" and one.after}
    kept.add(folder, name, metrics=figures, make_current=False, by=by, why="a candidate")
