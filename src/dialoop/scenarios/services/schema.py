"""The tools of one service, drawn by chance: which there are, and how their makers named tools, keys and results.

The schema, not habit, says what to write. It knows nothing of talk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from dialoop.scenarios.services.domains import CHINESE_KEYS, DESCRIPTIONS, INTEGERS, KEYS, Domain

_NAMES = {
    "search": "search_{items} find_{items} list_{items} available_{items} check_availability query_{items} {items}_search free_{items}",
    "details": "{item}_details get_{item} describe_{item} {item}_info show_{item} about_{item}",
    "book": "book_{item} reserve_{item} create_{record} make_{record} new_{record} order_{item} {item}_booking",
    "find": "find_{record} get_{record} lookup_{record} show_{record} {record}_details search_{record}",
    "change": "change_{record} update_{record} modify_{record} edit_{record} reschedule_{record}",
    "cancel": "cancel_{record} delete_{record} drop_{record} remove_{record} withdraw_{record}",
    "rule": "house_info faq policy lookup_policy get_policy info_about ask_handbook find_rule terms rules",
    "report": "report_problem file_report open_ticket complain new_ticket report_fault create_ticket",
}
_JOBS = {
    "search": ["List free {items}.", "Find {items}.", "What is available.", "Search {items}"],
    "details": ["Describe one.", "Details of a {item}.", "Tell about a {item}"],
    "book": ["Book once the customer has confirmed.", "Book a {item}.", "Make a {record} after confirmation."],
    "find": ["Find a {record}.", "Look up a {record}.", "Show what was booked."],
    "change": [
        "Change a {record}; only what changes.",
        "Change a {record}.",
        "Update a {record}, leaving out what stays.",
    ],
    "cancel": ["Cancel a {record}.", "Cancel once confirmed.", "Cancel a {record} after the customer confirms."],
    "rule": ["Look up a rule.", "What our handbook says.", "Answer questions about the house."],
    "report": ["Report a problem.", "File a complaint.", "Tell the technicians."],
}


@dataclass
class Service:
    """A service's names: `tools` by what they do, `keys` by slot. `item` and `record` are keys as well."""

    domain: Domain
    lang: str
    tools: dict[str, str]
    keys: dict[str, str]
    budget: bool
    schemas: list[dict[str, Any]] = field(default_factory=list)

    def key(self, slot: str) -> str:
        """The key of a slot."""
        return self.keys[slot]


def draw_service(domain: Domain, lang: str, rng: Random) -> Service:
    """A service of this kind with names of its own."""
    words = {"item": domain.key, "items": domain.key + "s", "record": domain.record_key, "key": domain.key}
    words["units"] = {"night": "nights", "晚": "nights", "天": "days", "day": "days", "小时": "hours"}.get(
        domain.unit[0], "count"
    )
    tools: dict[str, str] = {}
    for kind, names in _NAMES.items():
        while (name := _cased(rng.choice(names.split()).format(**words), rng)) in tools.values():
            continue
        tools[kind] = name
    chinese = lang == "zh" and rng.random() < 0.15
    keys = {slot: rng.choice(CHINESE_KEYS[slot] if chinese else known).format(**words) for slot, known in KEYS.items()}
    keys["item"] = rng.choice([domain.key, domain.key, f"{domain.key}_name", "name_of_" + domain.key, "choice", "item"])
    keys["record"] = rng.choice(
        [domain.record_key, domain.record_key, f"{domain.record_key}_id", "booking", "code", "number"]
    )
    for slot, key in keys.items():
        while [*keys.values()].count(keys[slot]) > 1:
            keys[slot] = f"{slot}_{key}" if keys[slot] == key else f"{keys[slot]}_"
    service = Service(domain, lang, tools, keys, budget=rng.random() < 0.6)
    service.schemas = _schemas(service, rng)
    return service


def _cased(name: str, rng: Random) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail) if rng.random() < 0.12 else name


def _schemas(service: Service, rng: Random) -> list[dict[str, Any]]:
    slots = list(service.domain.slots)
    wanted = {
        "search": (slots, ["budget"] if service.budget else []),
        "details": (["item"], []),
        "book": (["item", *slots, "name", "contact"], []),
        "find": (["reference"], []),
        "change": (["record"], ["day", *[s for s in slots if s in ("length", "people")], "item"]),
        "cancel": (["record"], []),
        "rule": (["topic"], []),
        "report": (["unit_number", "problem"], []),
    }
    described = rng.random() < 0.6
    made = []
    for kind, (required, optional) in wanted.items():
        properties = {}
        for slot in [*required, *optional]:
            schema: dict[str, Any] = {"type": "integer" if slot in INTEGERS else "string"}
            about = _words(rng.choice(DESCRIPTIONS.get(slot, [""])), service.domain) if described else ""
            if about:
                schema["description"] = about
            properties[service.key(slot)] = schema
        parameters = {"type": "object", "properties": properties, "required": [service.key(slot) for slot in required]}
        job = _words(rng.choice(_JOBS[kind]), service.domain)
        function = {"name": service.tools[kind], "description": job, "parameters": parameters}
        made.append({"type": "function", "function": function})
    if rng.random() < 0.5:
        rng.shuffle(made)
    return made


def _words(text: str, domain: Domain) -> str:
    units = domain.unit[1] or domain.unit[0]
    return text.format(item=domain.key, items=domain.key + "s", record=domain.record_key, units=units or "units")
