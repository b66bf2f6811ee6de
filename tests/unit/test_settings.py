"""Settings: all there and in range, or none at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.channels.pager.relay import PagerSettings
from chalicelib.domain.severity import Severity
from chalicelib.settings import InvalidSettingsError, read_settings, settings_from
from tests.unit.environment import ENVIRONMENT


def test_what_the_template_sets_is_read() -> None:
    """Every variable of the deployment becomes a setting of its own type."""
    settings = settings_from(ENVIRONMENT)
    assert settings.findings_table == "findings"
    assert settings.grace == timedelta(minutes=15)
    assert settings.reminder_hours == 24
    assert settings.escalate_hours == 72
    assert settings.keep_resolved == timedelta(days=2190)


def test_other_variables_do_not_matter() -> None:
    """Lambda sets dozens of its own."""
    assert settings_from(ENVIRONMENT | {"AWS_REGION": "x"}) == settings_from(ENVIRONMENT)


@pytest.mark.parametrize("lacking", ["", None])
@pytest.mark.parametrize("variable", sorted(ENVIRONMENT))
def test_a_missing_setting_is_named(variable: str, lacking: str | None) -> None:
    """Nothing has a hidden default in the code: the template alone decides."""
    environment = {k: v for k, v in ENVIRONMENT.items() if k != variable}
    environment |= {} if lacking is None else {variable: lacking}
    with pytest.raises(InvalidSettingsError, match=f"^{variable} is not set$"):
        settings_from(environment)


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "604801", "1e3", "٣", " 5", "0x10", "9" * 400])
def test_a_grace_out_of_range_is_refused(text: str) -> None:
    """From 0 to 7 days, in whole seconds, in the digits that everyone knows."""
    with pytest.raises(InvalidSettingsError, match=r"GRACE_PERIOD_SECONDS is .* 0-604800"):
        settings_from(ENVIRONMENT | {"GRACE_PERIOD_SECONDS": text})


@pytest.mark.parametrize("seconds", [0, 1, 604_800])
def test_the_whole_range_of_the_grace_is_accepted(seconds: int) -> None:
    """No grace at all, and a week."""
    settings = settings_from(ENVIRONMENT | {"GRACE_PERIOD_SECONDS": str(seconds)})
    assert settings.grace == timedelta(seconds=seconds)


def test_every_fault_is_told_at_once() -> None:
    """Who mends one should not have to deploy again to learn of the next."""
    with pytest.raises(InvalidSettingsError) as refusal:
        settings_from(ENVIRONMENT | {"REMINDER_HOURS": "never", "STATE_TABLE": ""})
    assert "REMINDER_HOURS is 'never'" in str(refusal.value)
    assert "STATE_TABLE is not set" in str(refusal.value)


PAGER = {"PAGERDUTY_SECRET_ARN": "arn", "PAGERDUTY_URL": "https://x"}


@pytest.mark.parametrize("text", ["HIGH,CRITICAL", "HIGH, CRITICAL"])
def test_severities_are_read_by_their_names(text: str) -> None:
    """As a list of CloudFormation's, with or without spaces."""
    settings = read_settings(PagerSettings, PAGER | {"PAGERDUTY_SEVERITIES": text})
    assert settings.pagerduty_severities == (Severity.HIGH, Severity.CRITICAL)


@pytest.mark.parametrize("text", ["high", "HIGH,", "HIGH;CRITICAL", "ALL", "3", " "])
def test_a_word_that_is_no_severity_is_refused(text: str) -> None:
    """It would page nobody, and nobody would notice."""
    with pytest.raises(InvalidSettingsError, match=r"PAGERDUTY_SEVERITIES is .*LOW, MEDIUM, HIGH"):
        read_settings(PagerSettings, PAGER | {"PAGERDUTY_SEVERITIES": text})
