"""Options that several remediation commands share."""

from __future__ import annotations

import click

from straywatch.remediation.applying.settling import SETTLE_SECONDS

settle_option = click.option(
    "--settle",
    type=click.FloatRange(min=0),
    default=SETTLE_SECONDS,
    show_default=True,
    help="Seconds for IAM to make each change effective, counted from the journal's last one.",
)
