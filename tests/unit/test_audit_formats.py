"""The formats of an audit: valid, complete, and safe whatever names hold."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest
from botocore.stub import Stubber
from bs4 import BeautifulSoup
from mypy_boto3_securityhub import SecurityHubClient
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from py_ocsf_models.objects.cloud import Cloud

from straywatch.audit.formats import asff, html, ocsf, summary, table
from straywatch.audit.formats import csv as csv_format
from straywatch.audit.formats import json as json_format
from straywatch.audit.report import AccountResult, Report
from straywatch.errors import StraywatchError
from tests.unit.audit_samples import (
    ALL,
    BROKEN,
    EMPTY,
    EXEMPT,
    HOSTILE,
    MEMBER,
    NOW,
    PLAIN,
    STRAY,
)
from tests.unit.audit_samples import report as reported

SCHEMA = json.loads(Path("docs/audit.schema.json").read_text())
every_report = pytest.mark.parametrize("report", ALL.values(), ids=ALL.keys())


@every_report
def test_json_follows_its_published_schema(report: Report) -> None:
    """What machines read is what docs/audit.schema.json promises."""
    jsonschema.validate(json.loads(json_format.render(report)), SCHEMA)


def test_json_lists_strays_first_and_the_worst_of_them_first() -> None:
    """The list is in the order in which a person should look at it."""
    users = json.loads(json_format.render(PLAIN))["users"]
    assert [user["user_name"] for user in users] == ["stan", "aaron", "ci-robot", "mia"]


def test_json_tells_every_evaluation_and_how_many() -> None:
    """Each user has an evaluation, and the counts add up."""
    found = json.loads(json_format.render(PLAIN))
    assert [user["evaluation"] for user in found["users"]] == [
        "NON_COMPLIANT",
        "NON_COMPLIANT",
        "NOT_APPLICABLE",
        "COMPLIANT",
    ]
    assert found["counts"] == {"users": 4, "strays": 2, "exempt": 1, "in_groups": 1}
    assert found["severities"] == {"CRITICAL": 1, "HIGH": 0, "MEDIUM": 0, "LOW": 1}


def test_json_has_no_raw_control_characters() -> None:
    """Printed to a terminal, the JSON cannot steer it."""
    assert all(" " <= letter <= "~" or letter == "\n" for letter in json_format.render(HOSTILE))


def test_an_incomplete_audit_says_so_in_every_format() -> None:
    """No format of an account that was not read whole looks like a clean result."""
    found = json.loads(json_format.render(BROKEN))
    assert found["complete"] is False
    assert found["missing"][0] == "123456789012: users after the first 1: no"
    rows = list(csv.DictReader(io.StringIO(csv_format.render(BROKEN))))
    assert [row["status"] for row in rows].count("incomplete") == 3
    assert "INCOMPLETE: 123456789012" in table.render(BROKEN)
    assert "INCOMPLETE: 123456789012" in html.render(BROKEN)
    statuses = [each["Compliance"]["Status"] for each in json.loads(asff.render(BROKEN))]
    assert statuses == ["WARNING", "WARNING", "WARNING", "PASSED"]
    assert [each["compliance"]["status_id"] for each in json.loads(ocsf.render(BROKEN))] == [
        2,
        2,
        2,
        1,
    ]


@every_report
def test_no_cell_of_the_csv_is_a_formula(report: Report) -> None:
    """A spreadsheet that opens the file computes nothing."""
    rows = list(csv.reader(io.StringIO(csv_format.render(report))))
    assert {len(row) for row in rows} == {len(csv_format.COLUMNS)}
    cells = [cell for row in rows for cell in row if cell]
    assert [cell for cell in cells if cell[0] in "=+-@\t\r\n"] == []
    assert all(cell.isprintable() for cell in cells)


@every_report
def test_the_page_holds_no_script_and_asks_for_nothing(report: Report) -> None:
    """The page is one file; its policy lets only its own style sheet work."""
    page = BeautifulSoup(html.render(report), "html.parser")
    assert page.find_all(["script", "link", "img", "iframe", "object", "form", "a"]) == []
    assert [tag for tag in page.find_all() if any(key.startswith("on") for key in tag.attrs)] == []
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    style = page.find("style")
    assert policy is not None
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.get_text().encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in str(policy["content"])
    assert "default-src 'none'" in str(policy["content"])
    assert not re.search(r"url\(|@import|https?://", style.get_text())


def test_the_page_shows_every_name_as_text() -> None:
    """Marks, templates and terminal codes in names are shown, not obeyed."""
    page = html.render(HOSTILE)
    cells = BeautifulSoup(page, "html.parser").find_all("bdi")
    shown = {cell.get_text() for cell in cells}
    assert "</td><script>alert(1)</script>" in shown
    assert "{{ 7 * 7 }}" in shown
    assert "\\x1b[2Jgone\\x07" in shown
    assert all(letter.isprintable() or letter == "\n" for letter in page)


def test_the_page_says_first_what_it_comes_to() -> None:
    """A headline; strays, exempt users and members apart; where there is nobody, what to try."""
    page = BeautifulSoup(html.render(PLAIN), "html.parser")
    headings = [each.get_text() for each in page.find_all("h2")]
    assert headings == ["2 users in no group", "Strays", "Exempt", "In groups"]
    assert [each.get_text() for each in page.select("td .sev")] == ["CRITICAL", "LOW"]
    assert "straywatch deploy" in html.render(EMPTY)
    assert "No user is in no group" in html.render(EMPTY)
    assert "Not everything could be read" in html.render(BROKEN)


def test_the_page_is_for_day_night_and_paper() -> None:
    """Dark mode and printing are styled, and the table's head repeats on every sheet."""
    page = html.render(PLAIN)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "table-header-group" in page


@pytest.fixture(scope="module")
def security_hub() -> SecurityHubClient:
    """A client that talks to nobody."""
    return boto3.client(
        "securityhub", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


def validate_asff(findings: list[dict[str, Any]], client: SecurityHubClient) -> None:
    """Hand findings to BatchImportFindings; botocore checks them against AWS's own model."""
    with Stubber(client) as stub:
        for start in range(0, len(findings), 100):
            answer = {"FailedCount": 0, "SuccessCount": 1, "FailedFindings": []}
            stub.add_response("batch_import_findings", answer)
            client.batch_import_findings(Findings=findings[start : start + 100])  # type: ignore[arg-type] # what is tested


# Security Hub User Guide, "Required top-level ASFF attributes", and the API's enumerations, which
# botocore does not check.
ASFF_RULES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": [
            "AwsAccountId",
            "CreatedAt",
            "Description",
            "GeneratorId",
            "Id",
            "ProductArn",
            "Resources",
            "SchemaVersion",
            "Severity",
            "Title",
            "Types",
            "UpdatedAt",
        ],
        "properties": {
            "SchemaVersion": {"const": "2018-10-08"},
            "AwsAccountId": {"pattern": "^[0-9]{12}$"},
            "Id": {"minLength": 1, "maxLength": 512},
            "Title": {"minLength": 1, "maxLength": 256},
            "Description": {"minLength": 1, "maxLength": 1024},
            "ProductArn": {
                "pattern": r"^arn:aws[a-z-]*:securityhub:[a-z0-9-]+:\d{12}:product/\d{12}/default$"
            },
            "Types": {"items": {"pattern": "^Software and Configuration Checks/[^/]+(/[^/]+)?$"}},
            "Severity": {
                "properties": {
                    "Label": {"enum": ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]}
                }
            },
            "Compliance": {
                "properties": {
                    "Status": {"enum": ["PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"]},
                    "RelatedRequirements": {"maxItems": 32},
                }
            },
            "Workflow": {
                "properties": {"Status": {"enum": ["NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"]}}
            },
            "RecordState": {"enum": ["ACTIVE", "ARCHIVED"]},
            "CreatedAt": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        },
    },
}


@every_report
def test_asff_passes_the_model_of_its_owner(
    report: Report, security_hub: SecurityHubClient
) -> None:
    """Security Hub would take every finding."""
    findings = json.loads(asff.render(report))
    validate_asff(findings, security_hub)
    jsonschema.validate(findings, ASFF_RULES)


def test_asff_tells_each_evaluation_in_security_hubs_words() -> None:
    """A stray failed with its severity, a member passed, an exempt user is suppressed."""
    told = [
        (each["Compliance"]["Status"], each["Severity"]["Label"], each["Workflow"]["Status"])
        for each in json.loads(asff.render(PLAIN))
    ]
    assert told == [
        ("FAILED", "CRITICAL", "NEW"),
        ("FAILED", "LOW", "NEW"),
        ("NOT_AVAILABLE", "INFORMATIONAL", "SUPPRESSED"),
        ("PASSED", "INFORMATIONAL", "RESOLVED"),
    ]


def test_asff_never_invents_an_account() -> None:
    """Where no account is known there is no finding, and the refusal says why."""
    nobody = Report(NOW, (AccountResult("profile x", None, (), ("all users: no",)),))
    with pytest.raises(StraywatchError, match="signs in"):
        asff.render(nobody)


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """A model's JSON schema in which no attribute is allowed but those it names."""
    for each in [schema, *schema.get("$defs", {}).values()]:
        if "properties" in each:
            each["additionalProperties"] = False
    return schema


# py-ocsf-models 0.10.0 models the classes of OCSF 1.5.0, not the whole schema. It lacks two
# attributes that ocsf/ocsf-schema defines: `status` in objects/compliance.json, and `cloud` in
# profiles/cloud.json.
OCSF_CLASS = strict(ComplianceFinding.model_json_schema())
OCSF_CLASS["$defs"]["Compliance"]["properties"]["status"] = {"type": "string"}
OCSF_CLASS["properties"]["cloud"] = {"type": "object"}
OCSF = jsonschema.Draft202012Validator(OCSF_CLASS)
OCSF_CLOUD = jsonschema.Draft202012Validator(strict(Cloud.model_json_schema()))
# What an event must not lack here: the models give most of it defaults, so they ask for less.
OCSF_REQUIRED = {
    "activity_id",
    "category_uid",
    "class_uid",
    "cloud",
    "compliance",
    "finding_info",
    "metadata",
    "severity_id",
    "time",
    "type_uid",
}


@every_report
def test_ocsf_follows_the_published_class(report: Report) -> None:
    """Every event is a Compliance Finding of OCSF 1.5.0, without one attribute of our own."""
    for event in json.loads(ocsf.render(report)):
        OCSF.validate(event)
        OCSF_CLOUD.validate(event["cloud"])
        assert event.keys() >= OCSF_REQUIRED
        assert (event["class_uid"], event["category_uid"]) == (2003, 2)
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["metadata"]["version"] == "1.5.0"
        assert event["time"] == 1795435200000


def test_ocsf_tells_each_evaluation_in_its_numbers() -> None:
    """Fail and critical for the worst stray, pass for a member, other for an exempt user."""
    events = json.loads(ocsf.render(PLAIN))
    assert [(each["compliance"]["status_id"], each["severity_id"]) for each in events] == [
        (3, 5),
        (3, 2),
        (99, 1),
        (1, 1),
    ]


@pytest.mark.parametrize("width", [20, 40, 70, 80, 110, 200])
@every_report
def test_the_table_keeps_to_the_width(report: Report, width: int) -> None:
    """On a screen of 40 columns or more it wraps no row, but where one word is longer."""
    text = io.StringIO()
    table.show(report, text, width)
    rows = text.getvalue().splitlines()[: -len(summary.sentences(report))]
    wrapped = [row for row in rows if len(row) > max(width, 40)]
    assert [row for row in wrapped if len(row.split()) > 1] == []


@pytest.mark.parametrize("width", [20, 40, 70, 80, 110])
def test_the_table_breaks_no_name_and_no_id(width: int) -> None:
    """Whoever copies one from a narrow screen has it whole."""
    long = replace(STRAY, name="terraform-deployer-for-production", note=f"see {STRAY.user_id}")
    text = io.StringIO()
    table.show(reported(MEMBER, EXEMPT, long), text, width)
    words = text.getvalue().split()
    for whole in (long.name, long.user_id, "iam:PutUserPolicy;", "administrator-like:", "mia"):
        assert whole in words


def test_the_table_shows_names_that_cannot_steer_the_terminal() -> None:
    """Escape sequences, markup and direction marks appear as they are written."""
    shown = table.render(HOSTILE)
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert "[red]markup[/red]" in shown


def test_the_summary_is_one_sentence_with_the_age_of_what_it_rests_on() -> None:
    """A person reads how many, how bad, and how old the credentials' data is."""
    assert summary.sentences(PLAIN) == [
        "4 users in 1 account: 2 strays (1 critical, 1 low), 1 exempt, 1 in groups.",
        "Credentials in account 123456789012 as of 2026-11-23 09:00:00 UTC, 3 h before this audit.",
    ]
    assert summary.sentences(EMPTY)[0] == ("0 users in 1 account: 0 strays, 0 exempt, 0 in groups.")


def test_the_summary_of_an_incomplete_audit_begins_with_what_is_missing() -> None:
    """No count stands before the warning, and the counts say what they are of."""
    said = summary.sentences(BROKEN)
    assert [line.startswith("INCOMPLETE: ") for line in said] == [True, True, True, False]
    assert "among those that could be read" in said[-1]


class Terminal(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        """Say that a person looks at it."""
        return True


@pytest.mark.parametrize(("refused", "colours"), [("", True), ("1", False)])
def test_colour_is_for_terminals_and_can_be_refused(
    monkeypatch: pytest.MonkeyPatch, refused: str, *, colours: bool
) -> None:
    """A terminal shows the worst in colour, unless NO_COLOR is set."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", refused)
    screen = Terminal()
    table.show(PLAIN, screen, 120)
    assert ("\x1b[1;31m" in screen.getvalue()) is colours
