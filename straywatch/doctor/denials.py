"""A look that was denied: whether the reader lacks a permission, or the resource shuts all out."""

from __future__ import annotations

from collections.abc import Mapping

from straywatch.doctor.intended import Intended
from straywatch.doctor.lines import Line, failed, unread
from straywatch.doctor.world import Unread, World


def denial(world: World, check: str, resource: Intended, why: Unread) -> Line:
    """Judge why a look at a resource failed."""
    if not why.action:
        return unread(check, why.why)
    if why.by_resource or _may(world, why.action, resource.arn):
        mend = world.repair(resource.logical_id)
        root = "should that be denied, too: repeat it as the account's root user"
        seen = f"its own policy denies you {why.action}, which your own policies allow"
        return failed(check, seen, mend, advice=root)
    return unread(check, f"{why.why} (by your own permissions or by its policy)")


def _may(world: World, action: str, arn: str) -> bool:
    """Whether the reader's own policies allow it: then what denies is the resource's."""
    asked = world.ask("sts", "get_caller_identity")
    if not isinstance(asked, Mapping) or not arn:
        return False
    who = str(asked.get("Arn", ""))
    if who.endswith(":root"):
        return True
    answer = world.ask(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=_principal(who),
        ActionNames=[action],
        ResourceArns=[arn],
    )
    results = answer.get("EvaluationResults", []) if isinstance(answer, Mapping) else []
    return bool(results) and all(r.get("EvalDecision") == "allowed" for r in results)


def _principal(arn: str) -> str:
    """The role behind a session: the simulator knows no sessions."""
    if ":assumed-role/" not in arn:
        return arn
    head, _, rest = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.split('/')[0]}"
