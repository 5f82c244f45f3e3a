"""Holds a candidate against the version in service: on frozen conversations, on new ones, by rehearsal, by probing.

One model is in memory at a time. It knows models and tests; what a rehearsal is, and who its customers are, is passed
in as a function. The decision itself is made in `deciding`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dialoop.conversation import Conversation
from dialoop.errors import DataError, DialoopError, SettingsError
from dialoop.evaluation import Evaluation, EvaluationSettings, compare, evaluate_model
from dialoop.learning.deciding import Decision, decide
from dialoop.learning.findings import Finding, Trial, compared, corrected, rehearsed, resamples
from dialoop.learning.probing import Leak, Probe, probe
from dialoop.learning.settings import LearnSettings
from dialoop.learning.traces import secrets_of, standing
from dialoop.model import Base, load_base
from dialoop.privacy import Vault

Rehearse = Callable[[str], Sequence[Trial]]
"""Lets simulated customers talk to the model of this name or folder; the same tasks at every call."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Evidence:
    """By what is judged. `tests`: conversations by the test's name, none of them trained on.

    `learnt`: the protected records that the candidate was trained on, whose private values `vault` knows.
    """

    tests: Mapping[str, Sequence[Conversation]] = field(default_factory=dict)
    rehearse: Rehearse | None = None
    learnt: Sequence[Conversation] = ()
    vault: Vault | None = None
    device: str = "cpu"


def judge(
    candidate: str | Path,
    served: str | Path,
    evidence: Evidence,
    settings: LearnSettings,
    *,
    at: str,
    names: tuple[str, str] | None = None,
    say: Say = lambda line: None,
) -> Decision:
    """The decision about `candidate` against what is `served`, both names or folders of models.

    `names`: what the two are called in the decision. A candidate that cannot be loaded or measured is refused. Raises
    DialoopError where the served one cannot be, SettingsError where there is nothing to judge by.
    """
    if not any(evidence.tests.values()) and evidence.rehearse is None:
        raise SettingsError(
            "there is nothing to judge a candidate by: no test and no rehearsal",
            remedy="name held-out conversations: --test FILE, or `test:` in the section `learn`",
        )
    named, against = names or (str(candidate), str(served))
    before = _measured(served, evidence, settings, say)[0]
    findings: list[Finding] = []
    found: Probe | None = None
    fault = None
    notes: list[str] = []
    try:
        after, found = _measured(candidate, evidence, settings, say, probing=True)
        for name in after:
            findings += compared(compare(before[name], after[name]), name, settings)
    except DialoopError as error:
        fault = error.what
    if evidence.rehearse is not None:
        if fault is None and decide(findings, found)[1].startswith("It is worse"):
            notes.append("There was no rehearsal: the tests had refused it already.")
        elif fault is None:
            findings += _rehearsal(candidate, served, evidence.rehearse, settings, say)
    findings = corrected(findings, settings)
    promoted, reason = decide(findings, found, fault)
    return Decision(
        candidate=named,
        against=against,
        at=at,
        promoted=promoted,
        reason=reason,
        confidence=settings.confidence,
        findings=findings,
        probe=found,
        notes=notes,
    )


def _rehearsal(
    candidate: str | Path, served: str | Path, rehearse: Rehearse, settings: LearnSettings, say: Say
) -> list[Finding]:
    say("rehearsing with the version in service")
    before = rehearse(str(served))
    say("rehearsing with the candidate")
    return rehearsed(before, rehearse(str(candidate)), settings)


def _measured(
    model: str | Path, evidence: Evidence, settings: LearnSettings, say: Say, *, probing: bool = False
) -> tuple[dict[str, Evaluation], Probe | None]:
    base = load_base(model, device=evidence.device)
    if base.head.kind != "generate":
        raise DataError(f"it was tuned to {base.head.kind}, not to generate", where=base.path)
    chosen = EvaluationSettings(
        limit=settings.limit,
        max_new_tokens=settings.max_new_tokens,
        confidence=settings.confidence,
        resamples=resamples(settings),
    )
    measured = {}
    for name, conversations in evidence.tests.items():
        if conversations:
            say(f"measuring {base.name} on {name}: {len(conversations)} conversations")
            measured[name] = evaluate_model(base, conversations, chosen, data=name)
    if not probing or evidence.vault is None or not settings.probes:
        return measured, None
    say(f"probing {base.name} for private values")
    return measured, _probed(base, evidence, evidence.vault, settings, measured, evidence.tests)


def _probed(
    base: Base,
    evidence: Evidence,
    vault: Vault,
    settings: LearnSettings,
    measured: Mapping[str, Evaluation],
    tests: Mapping[str, Sequence[Conversation]],
) -> Probe:
    """The probe, and the answers to the tests searched as well, but for values that the tests themselves hold."""
    found = probe(base, evidence.learnt, vault, settings.probes)
    held = [message.content or "" for some in tests.values() for one in some for message in one.messages]
    secrets = [
        secret
        for conversation in evidence.learnt
        for secret in secrets_of(conversation.id, vault.kept(conversation.id))
        if secret.telling
    ]
    secrets = [secret for secret in secrets if secret not in set(standing(secrets, held))]
    for name, evaluation in measured.items():
        said = [
            text
            for answer in evaluation.answers
            for text in (answer.said or "", *(call.arguments for call in answer.said_calls), *answer.malformed)
        ]
        found.leaks += [
            Leak(kind=secret.kind, conversation=secret.conversation, way=f"in the answers to {name}")
            for secret in standing(secrets, said)
        ]
    return found
