"""`straywatch verify`: check that after a plan access is as intended."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from straywatch.errors import EXIT_FINE, EXIT_FOUND, WrongUsageError
from straywatch.remediation.applying.simulation import Simulated, simulate
from straywatch.remediation.applying.verification import UserVerification, verify
from straywatch.remediation.files.planfile import load_plan
from straywatch.remediation.printing import print_table, say, write
from straywatch.remediation.reading.account import iam_client, snapshot_of
from straywatch.terminal.files import read
from straywatch.terminal.options import aws_context, aws_options, format_option
from straywatch.terminal.progress import StepLines

_EXAMPLES = """\b
Examples:
  straywatch verify plan.yaml
  straywatch verify plan.yaml --simulate s3:GetObject,iam:PassRole
"""


@click.command(epilog=_EXAMPLES)
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--simulate",
    "actions",
    metavar="ACTIONS",
    help="Also ask IAM's simulator about these actions, as s3:GetObject,iam:PassRole.",
)
@click.option("--resource", "resources", multiple=True, metavar="ARN", help="Simulate on these.")
@format_option("table", "json")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write the findings (JSON) here.")  # fmt: skip
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    plan: Path,
    *,
    actions: str | None,
    resources: tuple[str, ...],
    form: str,
    output: Path | None,
) -> int:
    """Compare the account with PLAN: each user in their groups, access as before the plan.

    By policy algebra: what is not proved the same is listed. Exit code 1 if anything is.
    """
    tell = StepLines()
    loaded = load_plan(read(plan), str(plan))
    context = aws_context(ctx)
    iam = iam_client(context)
    now = snapshot_of(context, iam, tell)
    if now.account != loaded.before.account:
        raise WrongUsageError(
            f"the plan is for account {loaded.before.account.account_id}, these credentials are "
            f"for {now.account.account_id}"
        )
    findings = verify(loaded, now)
    wanted = [action.strip() for action in (actions or "").split(",") if action.strip()]
    simulated = simulate(loaded, now, iam, wanted, resources=resources, tell=tell) if wanted else []
    text = json.dumps(_data(findings, simulated), indent=2) + "\n"
    if output is not None:
        write(text, output)
    if form == "json":
        write(text, None)
    else:
        _tables(findings, simulated, asked=bool(wanted))
    return EXIT_FOUND if simulated or any(not f.fine for f in findings) else EXIT_FINE


def _data(findings: list[UserVerification], simulated: list[Simulated]) -> dict[str, object]:
    return {
        "users": [{**asdict(finding), "fine": finding.fine} for finding in findings],
        "simulated": [asdict(difference) for difference in simulated],
    }


def _tables(findings: list[UserVerification], simulated: list[Simulated], *, asked: bool) -> None:
    print_table(
        "Not as intended",
        ("user", "membership", "gains", "losses"),
        (
            (
                f.user,
                "; ".join(filter(None, (f.problem, *(f"not in {name}" for name in f.missing)))),
                "\n".join(str(d) for d in f.differences if d.change == "gain"),
                "\n".join(str(d) for d in f.differences if d.change == "loss"),
            )
            for f in findings
            if not f.fine
        ),
    )
    print_table(
        "Gained since before the plan, as it intends",
        ("user", "gains"),
        ((f.user, "\n".join(map(str, f.gains))) for f in findings if f.fine and f.gains),
    )
    print_table(
        "The simulator decides otherwise",
        ("user", "action", "before", "now", "perhaps because"),
        ((s.user, s.action, s.before, s.now, s.doubt) for s in simulated),
    )
    fine = sum(finding.fine for finding in findings)
    gaining = sum(bool(finding.gains) for finding in findings)
    gained = f"{gaining} gained what is listed" if gaining else "nothing gained"
    say(f"{fine} of {len(findings)} users proved as intended: in a group, nothing lost; {gained}")
    if asked:
        say(f"{len(simulated)} decisions of the simulator differ")
