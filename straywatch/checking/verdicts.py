"""Verdicts on single users, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from chalicelib.domain.account import Account
from chalicelib.flows.lifecycle import Outcome
from chalicelib.times import iso, utc_now
from straywatch.checking.live import Verdict
from straywatch.terminal.durations import spoken
from straywatch.terminal.tables import console, say


@dataclass(frozen=True, slots=True)
class Failed:
    """The look failed: that is no evaluation."""

    user_name: str
    error: str


def is_stray(each: Verdict | Failed) -> bool:
    """Whether the look found a stray."""
    return isinstance(each, Verdict) and each.evaluation is Outcome.NON_COMPLIANT


def print_verdict(each: Verdict | Failed, account: Account) -> None:
    """Print a verdict and its reasons; a failure goes to standard error."""
    if isinstance(each, Failed):
        click.echo(f"straywatch: {each.user_name}: {each.error}", err=True)
        return
    out = console()
    style = "bold red" if is_stray(each) else "bold green"
    say(out, f"{each.user_name}: {each.evaluation}", style)
    for line in _reasons(each, account):
        say(out, f"  {line}")


def _reasons(each: Verdict, account: Account) -> list[str]:
    if each.evaluation is Outcome.GONE:
        return [f"account {account.account_id} has no user of this name"]
    if each.groups:
        return [f"in {', '.join(each.groups)}"]
    reasons = [f"in no group; {each.user.arn}" if each.user else "in no group"]
    if each.exemption:
        until = f", until {iso(each.exemption.until)}" if each.exemption.until else ", without end"
        reasons.append(f"exempt by {each.exemption.by}: {each.exemption.reason}{until}")
    if each.note:
        reasons.append(each.note)
    if each.since:
        length = spoken(max(0.0, (utc_now() - each.since.at).total_seconds()))
        reasons.append(f"a stray since {iso(each.since.at)} ({length}; from {each.since.evidence})")
    if each.risk:
        reasons.append(f"risk {each.risk.severity.name}: {each.risk.reasons}")
    if each.open_finding:
        reasons.append(f"finding {each.open_finding} is open")
    return reasons


def as_object(each: Verdict | Failed) -> dict[str, Any]:
    """The verdict as JSON; a failed look has an error and no evaluation."""
    if isinstance(each, Failed):
        return {"user_name": each.user_name, "evaluation": None, "error": each.error}
    exemption, since, risk = each.exemption, each.since, each.risk
    return {
        "user_name": each.user_name,
        "evaluation": each.evaluation,
        "error": None,
        "groups": list(each.groups),
        "user_id": each.user.user_id if each.user else None,
        "user_arn": each.user.arn if each.user else None,
        "exemption": exemption
        and {
            "by": exemption.by,
            "reason": exemption.reason,
            "until": iso(exemption.until) if exemption.until else None,
        },
        "note": each.note or None,
        "stray_since": iso(since.at) if since else None,
        "evidence": since.evidence if since else None,
        "severity": risk.severity.name if risk else None,
        "risk": risk.reasons if risk else None,
        "open_finding": each.open_finding or None,
    }
