"""Ask IAM's own policy simulator whether users may do what was intended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.iam_pages import pages
from chalicelib.domain.account import User
from straywatch.remediation.applying.steps import compact
from straywatch.remediation.planning.plan import Plan
from straywatch.remediation.reading.effective import groups_of
from straywatch.remediation.reading.snapshot import Group, Snapshot

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


@dataclass(frozen=True)
class Simulated:
    """A decision that is not as before the plan; `doubt` says why that may be."""

    user: str
    action: str
    before: str
    now: str
    doubt: str = ""


def simulate(
    plan: Plan,
    now: Snapshot,
    iam: IAMClient,
    actions: Sequence[str],
    *,
    resources: Sequence[str],
    tell: Callable[[str], None] = lambda _: None,
) -> list[Simulated]:
    """Compare SimulatePrincipalPolicy of each user with SimulateCustomPolicy of their old policies.

    Raises what botocore raises; a simulation that cannot be run, or whose answer breaks off, is
    never a decision.
    """
    asked: dict[str, Any] = {"ActionNames": list(actions)}
    if resources:
        asked["ResourceArns"] = list(resources)
    known: dict[str, Mapping[str, tuple[str, str]]] = {}
    found: list[Simulated] = []
    for number, planned in enumerate(plan.users, 1):
        before, user = plan.before.user(planned.name), now.user(planned.name)
        if before is None or user is None:
            continue  # verification has named that user already
        tell(f"simulating user {number} of {len(plan.users)}")
        old = _documents(before, plan.before)
        key = repr(old)
        if key not in known:
            known[key] = _decisions(iam, "simulate_custom_policy", **asked, **old)
        new = _decisions(iam, "simulate_principal_policy", **asked, PolicySourceArn=user.arn)
        found += _differences(planned.name, known[key], new)
    return found


def _documents(user: User, snapshot: Snapshot) -> dict[str, Any]:
    documents: list[Mapping[str, Any] | None] = []
    holders: list[User | Group] = [user, *groups_of(user, snapshot)]
    for holder in holders:
        documents += holder.inline_policies.values()
        documents += [snapshot.policies[arn].document for arn in holder.attached_policies]
    found: dict[str, Any] = {"PolicyInputList": [compact(d) for d in documents if d is not None]}
    if user.boundary_arn:
        boundary = snapshot.policies[user.boundary_arn].document
        found["PermissionsBoundaryPolicyInputList"] = [compact(boundary or {})]
    return found


def _decisions(
    iam: IAMClient,
    operation: str,
    **request: Any,  # noqa: ANN401 - what the two calls take differs
) -> dict[str, tuple[str, str]]:
    """Each action's decision, and what stands in the way of comparing it."""
    if "PolicyInputList" in request and not request["PolicyInputList"]:
        return {}
    found: dict[str, tuple[str, str]] = {}
    for page in pages(iam, operation, **request):
        for result in page["EvaluationResults"]:
            missing = result.get("MissingContextValues", [])
            doubt = f"depends on {', '.join(missing)}" if missing else ""
            if not result.get("OrganizationsDecisionDetail", {}).get(
                "AllowedByOrganizations", True
            ):
                doubt = "denied by the organization"
            key = f"{result['EvalActionName']} on {result.get('EvalResourceName', '*')}"
            found[key] = (result["EvalDecision"], doubt)
    return found


def _differences(
    user: str, old: Mapping[str, tuple[str, str]], new: Mapping[str, tuple[str, str]]
) -> list[Simulated]:
    found = []
    for action, (decision, doubt) in sorted(new.items()):
        before, old_doubt = old.get(action, ("implicitDeny", ""))
        if (before == "allowed") != (decision == "allowed"):
            found.append(Simulated(user, action, before, decision, doubt or old_doubt))
    return found
