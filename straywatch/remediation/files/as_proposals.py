"""What the members' calls propose, for people, and each proposed document as a file to review."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from straywatch.remediation.printing import print_table, say, write
from straywatch.remediation.tightening.by_action import ActionProposal, ActionReview
from straywatch.remediation.tightening.use import CallLog

_BLIND = (
    "Not seen in a log: calls of roles that members assumed, data events that the trail does not "
    "log, and use before it begins. What no log shows stays. Nothing was changed."
)


def print_by_action(reviews: Iterable[ActionReview], log: CallLog, margin: str) -> None:
    """Print the proposals, what they rest on, and what they would have denied."""
    found = list(reviews)
    regions = ", ".join(sorted(log.regions))
    say(f"Log: {log.records} records from {log.first} to {log.last}, {regions}")
    say(f"{log.denied} denied calls do not count. Margin: {margin}. {_BLIND}")
    print_table(
        "What would do",
        ("group", "policy", "without", "stays unseen", "characters", "replayed", "denied"),
        (_row(each.group, proposal) for each in found for proposal in each.proposals),
    )
    for each in found:
        for note in each.notes:
            say(f"{each.group}: {note}")
        for call in each.unmapped:
            say(f"{each.group}: {call}: which action that is is not known; its service stays whole")
        if not each.proposals:
            say(f"{each.group}: nothing to leave out, as far as is known")


def _row(group: str, proposal: ActionProposal) -> tuple[object, ...]:
    return (
        group,
        proposal.policy,
        f"{len(proposal.without)} actions",
        len(proposal.unseen),
        proposal.characters,
        f"{proposal.replayed} calls",
        ", ".join(proposal.would_be_denied) or "none",
    )


def write_documents(reviews: Iterable[ActionReview], folder: Path) -> None:
    """Write each document as `GROUP.inline.NAME.json` or `GROUP.managed.NAME.json`.

    Raises OSError if the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for each in reviews:
        for proposal in each.proposals:
            path = folder / f"{each.group}.{_file_name(proposal.policy)}.json"
            write(json.dumps(proposal.document, indent=2) + "\n", path)


def _file_name(policy: str) -> str:
    """IAM's names hold no slash; a managed policy is called by its ARN here."""
    kind = "managed" if policy.startswith("arn:") else "inline"
    return f"{kind}.{policy.rpartition('/')[2]}"
