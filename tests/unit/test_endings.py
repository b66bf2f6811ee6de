"""Why a finding is over, in words: the same for a subject, a mail, a channel and the operator."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.findings import Finding, Reason, Resolution
from chalicelib.messages.body import finding_body
from chalicelib.messages.endings import in_full, in_short, resolution_in
from straywatch.findings.life import life
from tests.unit.examples import EXAMPLES

END = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
TAG = "tag straywatch:exempt"


@pytest.mark.parametrize(
    ("resolution", "short", "full"),
    [
        (Resolution(Reason.DELETED), "was deleted", "was deleted"),
        (Resolution(Reason.JOINED_GROUP), "joined a group", "joined a group"),
        (
            Resolution(Reason.JOINED_GROUP, ("ops", "dev", "qa")),
            "joined ops and 2 more",
            "joined ops, dev, qa",
        ),
        (
            Resolution(Reason.EXEMPTED, exempted_by=TAG, exempted_until=END),
            "exempt until 2026-12-31",
            "is exempt until 2026-12-31 23:59:59 UTC, by tag straywatch:exempt",
        ),
        (
            Resolution(Reason.EXEMPTED, exempted_by=TAG),
            "exempt without an end",
            "is exempt without an end, by tag straywatch:exempt",
        ),
    ],
)
def test_an_ending_reads_on_from_the_users_name(
    resolution: Resolution, short: str, full: str
) -> None:
    """`frank` and the words make a sentence, wherever they are shown."""
    assert (in_short(resolution), in_full(resolution)) == (short, full)


@given(st.lists(st.text(min_size=1, max_size=128), max_size=10).map(tuple))
def test_the_short_form_fits_a_subject(groups: tuple[str, ...]) -> None:
    """A subject has 60 columns for severity, user, ending and account."""
    assert len(in_short(Resolution(Reason.JOINED_GROUP, groups))) <= len("joined ") + 16


RESOLVED = [
    finding
    for finding in (getattr(message, "finding", None) for message in EXAMPLES.values())
    if isinstance(finding, Finding) and finding.resolution
]


@pytest.mark.parametrize("finding", RESOLVED)
def test_channels_tell_what_the_table_holds(finding: Finding) -> None:
    """Chat and Security Hub get the body alone, and say the same as the operator's tools."""
    resolution = resolution_in(finding_body(finding)["resolution"])
    assert resolution == finding.resolution
    assert list(life(finding))[-1].text.startswith(f"resolved: {in_full(resolution)}")
