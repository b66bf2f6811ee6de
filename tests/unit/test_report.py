"""The evidence report: the same bytes, gaps said plainly, figures that can be recomputed."""

from __future__ import annotations

import hashlib
import json
import math
import re
import statistics
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.exemptions import Rule
from chalicelib.domain.findings import Reason
from straywatch import __version__
from straywatch.errors import WrongUsageError
from straywatch.observing.records import Reading, Unread
from straywatch.report.chart import chart
from straywatch.report.digest import sealed
from straywatch.report.evidence import Records, evidence
from straywatch.report.html import data_of, render
from straywatch.report.numbers import percent
from straywatch.report.period import begun, period
from straywatch.report.verdict import verdict
from straywatch.report.verify import AlteredError, NotCheckedError, verified
from tests.unit import observed_samples as samples
from tests.unit.observed_samples import OBSERVED
from tests.unit.records import NOW

PERIOD = period("2026-11-10", "2026-11-22")
RULE = Rule("name", "ses-*", "made by SES", owner="platform")


def records(reading: Reading, **changes: Any) -> Records:
    """What the report's command would have read."""
    inside = [s for s in reading.sweeps if PERIOD.begin <= s.started_at < PERIOD.end]
    found = Records(
        findings=reading.findings,
        unreadable=(),
        sweeps=tuple(inside),
        drills=(),
        census=reading.census,
        rules=(RULE,),
        now=NOW + timedelta(days=1),
    )
    return replace(found, **changes)


def report(reading: Reading, **changes: Any) -> dict[str, Any]:
    """A sealed report."""
    return sealed(evidence(records(reading, **changes), OBSERVED, PERIOD, __version__))


def test_the_same_records_give_the_same_bytes() -> None:
    """Neither the clock nor the order of reading shows in a report."""
    reading = samples.usual()
    later = NOW + timedelta(days=99)

    assert render(report(reading)) == render(report(reading, now=later))


def test_the_digest_is_over_the_canonical_data() -> None:
    """Anybody can recompute it with nothing but a JSON library and SHA-256."""
    data = report(samples.usual())
    rest = {key: value for key, value in data.items() if key != "digest"}

    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))

    assert data["digest"]["value"] == hashlib.sha256(text.encode()).hexdigest()


def test_the_figures_follow_from_the_findings() -> None:
    """Counts and medians are what the listed findings give."""
    data = report(samples.usual())
    inside = [f for f in data["findings"] if f["opened_at"] >= data["period"]["from"]]
    over = [f for f in data["findings"] if f["resolved_at"]]

    assert data["figures"]["opened_in_period"] == len(inside)
    assert data["figures"]["resolve_seconds"]["median"] == statistics.median(
        f["resolve_seconds"] for f in over
    )
    for sweep in data["compliance"]:
        percent = 100 * sweep["compliant"] / (sweep["users"] - sweep["exempt"])
        assert sweep["compliance_percent"] == round(percent, 4)


def test_findings_that_touch_the_period_are_in_and_no_others() -> None:
    """Open before, within or across it; what was over before, or began after, is not."""
    day = timedelta(days=1)
    before = samples.finding("before", 1, ago=40 * day)
    across = samples.finding("across", 2, ago=40 * day)
    after = samples.finding("after", 3, ago=timedelta(hours=1))
    reading = replace(
        samples.empty(),
        findings=(samples.resolved(before, day), samples.resolved(across, 30 * day), after),
    )

    assert [f["user_name"] for f in report(reading)["findings"]] == ["across"]


def test_gaps_in_coverage_are_listed() -> None:
    """A stretch without whole sweeps stands in the report with its bounds and length."""
    coverage = report(samples.usual())["coverage"]

    assert [gap["seconds"] for gap in coverage["gaps"]] == [10 * 3600]


def test_time_before_monitoring_began_is_vouched_for_by_nobody() -> None:
    """It is no gap and no coverage: the share that was watched leaves it out, rounded down."""
    coverage = report(samples.usual())["coverage"]

    assert coverage["monitored_from"] == coverage["unwatched_before"] == "2026-11-13T12:40:00Z"
    seconds = 13 * 86_400 - (3 * 86_400 + 12 * 3600 + 2400) - 10 * 3600
    assert coverage["percent"] == math.floor(1e4 * seconds / (13 * 86_400)) / 100
    before = report(samples.usual(), first_sweep_at=PERIOD.begin - timedelta(days=9))["coverage"]
    assert before["unwatched_before"] is None
    assert before["gaps"][0]["begin"] == "2026-11-10T00:00:00.000000Z"


def test_a_period_without_records_is_not_vouched_for() -> None:
    """An account that nobody looked at is not shown as compliant, watched, or free of gaps."""
    data = report(samples.empty())
    page = render(data)

    assert data["coverage"]["percent"] == 0
    assert "Nobody watched" in page
    assert "How compliant the account was is not known" in page
    assert "no gap" not in page


def test_what_ended_after_the_period_is_open_at_its_end() -> None:
    """The count and the rows agree, whatever has happened since."""
    late = samples.resolved(samples.finding("late", 1, ago=timedelta(days=2)), timedelta(days=1.9))
    data = report(replace(samples.empty(), findings=(late,)))
    page = render(data)

    assert data["figures"]["open_at_end_of_period"] == 1
    assert data["findings"][0]["open_at_end_of_period"] is True
    assert '<span class="stays">open</span>; ended later, 2026-11-2' in page


def test_the_chart_has_few_ticks_and_values_for_whoever_points_or_steps() -> None:
    """Five levels up to 100 %, five dates, a slice for each day, the last value in words."""
    drawn = chart(report(samples.usual()))

    assert [label for _, label in drawn.levels] == ["92 %", "94 %", "96 %", "98 %", "100 %"]
    assert [date for _, date in drawn.dates][::4] == ["2026-11-10", "2026-11-23"]
    assert drawn.kinds == ("unwatched", "gap")
    assert len(drawn.slots) == 13
    assert drawn.slots[0].said == "2026-11-10 00:00:00 UTC: no whole sweep"
    assert drawn.slots[-1].said.endswith("lowest 98.5 %, last 99.0 %, 24 sweeps")
    assert drawn.last is not None
    assert drawn.last[2] == "99.0 % at 2026-11-22 23:40:00 UTC"


def test_a_share_is_rounded_down() -> None:
    """100 % is said of nothing that lacks a part."""
    assert [percent(value) for value in (100, 99.99, 100 * 398 / 402, 0, None)] == [
        "100 %", "99.9 %", "99.0 %", "0 %", "not known",
    ]  # fmt: skip


def test_addresses_and_secrets_are_not_in_it() -> None:
    """A report is handed on: of such a setting it tells only that it is set."""
    private = {
        "AlertEmail": "sec@example.com",
        "AlertPhone": "+15551234567",
        "PagerDutySecretArn": "arn:aws:secretsmanager:us-east-1:1:secret:pager",
        "FindingEventBusArn": "",
    }
    observed = replace(OBSERVED, parameters={**OBSERVED.parameters, **private})
    data = sealed(evidence(records(samples.usual()), observed, PERIOD, __version__))

    assert data["scope"]["settings"] == {
        **OBSERVED.parameters,
        **{name: "set; not shown here" if value else "" for name, value in private.items()},
    }
    assert not any(value in render(data) for value in private.values() if value)


def test_its_first_page_says_what_it_comes_to() -> None:
    """A headline, what was watched, how compliant it was, what became of the findings."""
    found = verdict(report(samples.usual()))

    assert found.headline == "1 user still in no group at the end: 1 HIGH"
    assert not found.is_fine
    said = " ".join(found.sentences)
    assert "watched for 69.6 % of the period, with 1 gap of 10 h" in said
    assert "398 of 402 users; 10 more are exempt" in said
    assert "7 findings opened in the period, 6 ended in it" in said


def test_a_period_that_is_not_over_says_how_far_it_reaches() -> None:
    """The present end of an unfinished period is no gap; silence for long is one that goes on."""
    reading = samples.usual()
    unfinished = report(reading, now=PERIOD.end - timedelta(minutes=30))
    soon = unfinished["coverage"]
    late = replace(reading, sweeps=reading.sweeps[:40])
    silent = report(late, now=PERIOD.end - timedelta(minutes=30))["coverage"]

    assert soon["period_is_over"] is False
    assert soon["gaps"][-1]["end"] is not None
    assert silent["gaps"][-1]["end"] is None
    assert "The period was not over" in render(unfinished)
    assert "not yet" in render(unfinished)


def test_what_could_not_be_read_is_said() -> None:
    """Items that cannot be read, and exemptions that cannot, stand where they are missing."""
    page = render(
        report(
            samples.usual(),
            unreadable=("aws:1:AIDAX/000001",),
            census=Unread("access denied on users"),
            rules=Unread("access denied on the document"),
        )
    )

    assert "aws:1:AIDAX/000001" in page
    assert "access denied on users" in page
    assert "access denied on the document" in page
    assert "<p>None.</p>" not in page


def test_exemptions_name_reason_owner_and_end() -> None:
    """Who may be in no group stands with why, whose it is, and until when."""
    page = render(report(samples.usual()))

    assert "made by SES" in page
    assert "platform" in page
    assert "no end" in page


def test_it_claims_support_and_no_compliance() -> None:
    """The HIPAA paragraphs are supported; nobody is called compliant with them."""
    page = render(report(samples.usual()))

    assert "164.308(a)(3)(i)" in page
    assert "no report makes anybody compliant" in page
    assert not re.search(r"HIPAA[- ]compliant|complies", page)


def test_hostile_text_stays_text() -> None:
    """No name becomes markup, neither on the page nor in the data within it."""
    data = report(replace(samples.hostile(), sweeps=()), now=NOW)
    data = sealed({**data, "findings": data["findings"] or [hostile_finding()]})
    page = render(data)

    assert page.count("<script") == page.count("</script>") == 1
    assert "<img" not in page
    assert data_of(page) == data


def hostile_finding() -> dict[str, Any]:
    """A finding about a user whose name is markup."""
    reading = replace(
        samples.empty(),
        findings=(samples.finding(samples.HOSTILE[1], 1, ago=timedelta(days=4)),),
    )
    (finding,) = report(reading)["findings"]
    return dict(finding)


def test_the_page_loads_and_runs_nothing() -> None:
    """A strict policy stands in the page itself, and nothing in it points outside."""
    page = render(report(samples.usual()))

    assert "default-src 'none'" in page
    assert not re.search(r"src=|href=(?!\"#f\d+\")", page)


@pytest.mark.parametrize("form", ["html", "json"])
def test_an_intact_report_is_verified(form: str, tmp_path: Path) -> None:
    """Both forms verify, and give the digest that was told when they were made."""
    data = report(samples.usual())
    path = tmp_path / "report"
    path.write_text(render(data) if form == "html" else json.dumps(data, indent=2))

    assert verified(path) == data["digest"]["value"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<bdi>frank.mueller</bdi>", "<bdi>frank</bdi>"),
        ('"opened_in_period":', '"opened_in_period":1'),
        ("</main>", "<p>All is well.</p></main>"),
    ],
)
def test_an_altered_report_is_found_out(old: str, new: str, tmp_path: Path) -> None:
    """Whether its data or only its page was touched."""
    reading = replace(
        samples.usual(), findings=(samples.finding("frank.mueller", 1, ago=timedelta(days=3)),)
    )
    path = tmp_path / "report.html"
    page = render(report(reading))
    assert old in page
    path.write_text(page.replace(old, new, 1))

    with pytest.raises(AlteredError):
        verified(path)


def test_a_page_of_another_version_is_not_called_intact(tmp_path: Path) -> None:
    """Whether an old page shows its data cannot be told; the data alone verifies for years."""
    data = sealed(evidence(records(samples.usual()), OBSERVED, PERIOD, "0.0.1"))
    path = tmp_path / "report.html"
    path.write_text(render(data).replace("No finding", "Nothing"))

    with pytest.raises(
        NotCheckedError, match=f"straywatch 0.0.1 made it.*{data['digest']['value']}"
    ):
        verified(path)

    path.write_text(json.dumps(data))
    assert verified(path) == data["digest"]["value"]


@pytest.mark.parametrize("text", ["", "{}", "<html></html>", "{not json", '{"digest": 3}'])
def test_what_is_no_report_is_refused(text: str, tmp_path: Path) -> None:
    """Any other file is wrong usage, not an altered report."""
    path = tmp_path / "file"
    path.write_text(text)

    with pytest.raises(WrongUsageError, match="no report"):
        verified(path)


def test_periods_as_people_write_them() -> None:
    """Days are whole, in UTC; times are exact."""
    assert period("2026-01-01", "2026-01-31").end.isoformat() == "2026-02-01T00:00:00+00:00"
    exact = period("2026-01-01T06:00:00+02:00", "2026-01-01T12:00:00Z")
    assert exact.begin.isoformat() == "2026-01-01T04:00:00+00:00"


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2026-13-01", "2026-12-31"),
        ("yesterday", "2026-12-31"),
        ("2026-01-01T00:00:00", "2026-12-31"),
        ("2026-02-01", "2026-01-01"),
        ("2026-01-01", "9999-12-31T99"),
        ("2026-01-01", "9999-12-31"),
        ("0001-01-01", "2026-12-31"),
    ],
)
def test_periods_that_are_none(begin: str, end: str) -> None:
    """What cannot be read, or runs backwards, is wrong usage."""
    with pytest.raises(WrongUsageError):
        period(begin, end)


def test_a_period_that_has_not_begun_is_refused() -> None:
    """There is nothing to tell of it, and nothing is not "no gap"."""
    ahead = period("2027-01-01", "2027-03-31")
    assert begun(PERIOD, NOW) == PERIOD
    with pytest.raises(WrongUsageError, match="2027-01-01 has not begun"):
        begun(ahead, NOW)


def test_reasons_are_told_in_words() -> None:
    """A finding that ended by deletion or exemption says so."""
    one = samples.finding("ann", 1, ago=timedelta(days=3))
    over = samples.resolved(one, timedelta(hours=1), Reason.EXEMPTED)
    reading = replace(samples.empty(), findings=(over,))

    (finding,) = report(reading)["findings"]

    assert finding["life"][-1]["said"] == "resolved: is exempt without an end, by name ci-*"
