"""A plan as AWS CLI commands, for teams who apply by their own hands or pipeline."""

from __future__ import annotations

import shlex

from straywatch.remediation.applying.steps import (
    ADD,
    ATTACH,
    CREATE,
    DETACH,
    PUT,
    Step,
    compact,
    grant_steps,
    removal_steps,
)
from straywatch.remediation.planning.plan import Plan
from straywatch.text import one_line


def as_cli(plan: Plan, *, detach_direct: bool) -> str:
    """The plan as a shell script: it gives first and, only if asked, takes away at the end."""
    lines = [
        "#!/bin/sh",
        f"# {len(plan.new_groups)} new groups, {len(plan.users)} users. Stops at the first error.",
        f"# For account {plan.before.account.account_id} only.",
        "set -eu",
    ]
    lines += [_command(step) for step in grant_steps(plan)]
    if detach_direct:
        lines += ["# From here on direct policies are removed, which the groups above give."]
        lines += [_command(step) for step in removal_steps(plan)]
    return "\n".join(lines) + "\n"


def _command(step: Step) -> str:
    options = {
        "group-name": step.group,
        "user-name": step.user,
        "path": step.path if step.kind == CREATE else "",
        "policy-arn": step.policy if step.kind in (ATTACH, DETACH) else "",
        "policy-name": "" if step.kind in (CREATE, ADD, ATTACH, DETACH) else step.policy,
        "policy-document": compact(step.document) if step.kind == PUT else "",
    }
    # `--option=value` keeps a name that begins with a dash from being read as an option
    words = [shlex.quote(f"--{name}={value}") for name, value in options.items() if value]
    return one_line(" ".join(["aws", "iam", step.kind, *words]))
