"""The template's fragments: each resource with its reason, and YAML that means one thing only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from straywatch.deploy.plain_yaml import read
from straywatch.deploy.template import FRAGMENTS, as_json, assemble
from straywatch.errors import StraywatchError

SECTION = re.compile(r"(\w+):")
MEMBER = re.compile(r"  (\w+):")


def without_reason(text: str) -> Iterator[str]:
    """The resources of a fragment that no comment stands directly above."""
    section, above = "", ""
    for line in text.splitlines():
        if opened := SECTION.match(line):
            section = opened[1]
        member = MEMBER.match(line)
        if section == "Resources" and member and not above.startswith("  # "):
            yield member[1]
        above = line


@pytest.mark.parametrize("path", sorted(FRAGMENTS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_each_resource_has_its_reason_above_it(path: Path) -> None:
    """Whoever wonders why a resource is there reads it beside the resource."""
    text = path.read_text(encoding="utf-8")
    assert list(without_reason(text)) == []
    assert text.startswith("# "), "a fragment begins with its one concern"


def test_a_resource_without_a_reason_is_found() -> None:
    """A comment below, on the line, or above another resource is no reason for this one."""
    text = """
Resources:
  # A reason.
  With:
    Type: A
  Without:  # on the line
    # below
    Type: A
Outputs:
  With: {Value: 1}
"""
    assert list(without_reason(text)) == ["Without"]


def test_each_parameter_says_what_it_is_for() -> None:
    """CloudFormation's console shows the description beside the field."""
    parameters = assemble()["Parameters"]
    assert [name for name, each in parameters.items() if not each.get("Description")] == []


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
CHOICES = {
    "PagerDutySeverities": (["LOW", "MEDIUM", "HIGH", "CRITICAL"], ["high", "", "ALL", "HIGHEST"]),
    "PagerDutySecretArn": (
        [
            f"{SECRET}straywatch/pager_duty+=.@-AbCdEf",
            SECRET.replace("aws", "aws-us-gov", 1) + "x-1",
        ],
        [f"{SECRET}*", f"{SECRET}pager-??????", SECRET, f"{SECRET}a b", "straywatch/pagerduty"],
    ),
}
"""What parameters take, and what they refuse; of a list each member."""


@pytest.mark.parametrize("parameter", CHOICES)
def test_a_parameter_refuses_what_would_go_wrong_in_silence(parameter: str) -> None:
    """A word that pages nobody, or a wildcard that reads every secret."""
    pattern = assemble()["Parameters"][parameter]["AllowedPattern"]
    good, bad = CHOICES[parameter]
    assert [each for each in good if not re.search(pattern, each)] == []
    assert [each for each in bad if re.search(pattern, each)] == []


def alarms() -> dict[str, dict[str, Any]]:
    """The properties of every alarm."""
    resources = assemble()["Resources"].items()
    return {
        name: each["Properties"]
        for name, each in resources
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }


def watched(alarm: dict[str, Any], metric: str) -> list[str]:
    """The resources whose figure of this name raises the alarm as soon as it is above the limit."""
    values = [dimension["Value"] for dimension in alarm["Dimensions"]]
    found = [value.get("Ref") or value["Fn::GetAtt"][0] for value in values]
    above = alarm["ComparisonOperator"] == "GreaterThanThreshold"
    return found if above and alarm["MetricName"] == metric else []


def test_a_letter_that_is_lost_raises_an_alarm() -> None:
    """Of each function whose failures Lambda keeps with the function's own role."""
    resources = assemble()["Resources"].items()
    keeping = {
        name for name, each in resources if "EventInvokeConfig" in each.get("Properties", {})
    }
    told = [
        name
        for alarm in alarms().values()
        if alarm["Namespace"] == "AWS/Lambda" and alarm["Threshold"] == 0
        for name in watched(alarm, "DestinationDeliveryFailures")
    ]
    assert sorted(told) == sorted(keeping)


def test_findings_that_wait_for_security_hub_raise_an_alarm() -> None:
    """A function that may not take them is never invoked, and so never fails."""
    alarm = alarms()["ImportBacklogAlarm"]
    assert watched(alarm, "ApproximateAgeOfOldestMessage") == ["ImportQueue"]
    queue = assemble()["Resources"]["ImportQueue"]["Properties"]
    dead_after = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    assert alarm["Threshold"] < dead_after


@pytest.mark.parametrize("name", alarms())
def test_an_alarm_reaches_people_when_it_begins_and_when_it_ends(name: str) -> None:
    """On both topics: whoever filters by attributes hears the health topic."""
    alarm = alarms()[name]
    both = [{"Ref": "HealthTopic"}, {"Ref": "AlertTopic"}]
    assert (alarm["AlarmActions"], alarm["OKActions"]) == (both, both)
    assert alarm["TreatMissingData"] in ("missing", "ignore", "notBreaching")  # see docs/alarms.md


def write(directory: Path, **fragments: str) -> Path:
    """A directory of fragments."""
    for name, text in fragments.items():
        path = directory / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def test_a_member_may_move_from_file_to_file(tmp_path: Path) -> None:
    """The template is the same to the byte, whatever file a resource stands in."""
    queue, topic = "  Queue: {Type: Q}\n", "  Topic: {Type: T}\n"
    one = write(tmp_path / "one", a=f"Resources:\n{topic}{queue}", b="Description: d\n")
    two = write(
        tmp_path / "two",
        **{"a": f"Description: d\nResources:\n{queue}", "x/b": f"Resources:\n{topic}"},
    )
    assert as_json(assemble(one)) == as_json(assemble(two))
    assert list(assemble(one)["Resources"]) == ["Queue", "Topic"]


@pytest.mark.parametrize(
    ("text", "place"),
    [("Resources:\n  Queue: {Type: Q}\n", "Resources/Queue"), ("Description: d\n", "Description")],
)
def test_a_member_in_two_files_is_refused(tmp_path: Path, text: str, place: str) -> None:
    """Neither wins in silence; the line names both files."""
    with pytest.raises(
        StraywatchError, match=rf"^{place} stands in both queues\.yaml and tables\.yaml$"
    ):
        assemble(write(tmp_path, queues=text, tables=text))


@pytest.mark.parametrize("fragments", [{}, {"a": "Resources: none\n"}, {"a": "- a list\n"}])
def test_what_holds_no_members_is_refused(tmp_path: Path, fragments: dict[str, str]) -> None:
    """A fragment that is lost or misspelt does not package as less."""
    with pytest.raises(StraywatchError, match=r"no template|holds no"):
        assemble(write(tmp_path, **fragments))


EVERY = """
EveryFunction: {Runtime: new, Architectures: [arm64]}
EveryRole: {Path: /, RoleName: !Sub "p-FUNCTION"}
Resources:
  One: {Type: AWS::Serverless::Function, Properties: {Timeout: 3, Runtime: own}}
  Two: {Type: AWS::Serverless::Function}
  TwoRole: {Type: AWS::IAM::Role, Condition: C}
  Queue: {Type: Q}
"""


def test_what_is_said_of_every_function_is_said_once(tmp_path: Path) -> None:
    """Each function has it beside its own, which wins; so has its role, under its own name."""
    template = assemble(write(tmp_path, every=EVERY))
    role = "AWS::IAM::Role"
    assert template == {
        "Resources": {
            "One": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"Timeout": 3, "Runtime": "own", "Architectures": ["arm64"]},
            },
            "OneRole": {
                "Type": role,
                "Properties": {"Path": "/", "RoleName": {"Fn::Sub": "p-One"}},
            },
            "Queue": {"Type": "Q"},
            "Two": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"Runtime": "new", "Architectures": ["arm64"]},
            },
            "TwoRole": {
                "Type": role,
                "Condition": "C",
                "Properties": {"Path": "/", "RoleName": {"Fn::Sub": "p-Two"}},
            },
        }
    }


def test_yaml_reads_as_json_would() -> None:
    """Text, whole numbers, fractions, truth values, lists and mappings; quotes make text."""
    text = """
a: word
b: 900
c: -1.5
d: true
e: ["yes", "012", "2012-10-17", ""]
f: {g: two words}
h: >-
  two
  words
"""
    assert read(text, "a.yaml") == {
        "a": "word",
        "b": 900,
        "c": -1.5,
        "d": True,
        "e": ["yes", "012", "2012-10-17", ""],
        "f": {"g": "two words"},
        "h": "two words",
    }


def test_cloudformations_short_tags_are_written_out() -> None:
    """Chalice merges JSON, where they have their long names."""
    text = """
a: !Ref AWS::AccountId
b: !GetAtt Queue.Arn
c: !Sub "${A}:x"
d: !Not [!Equals [!Ref P, ""]]
"""
    assert read(text, "a.yaml") == {
        "a": {"Ref": "AWS::AccountId"},
        "b": {"Fn::GetAtt": ["Queue", "Arn"]},
        "c": {"Fn::Sub": "${A}:x"},
        "d": {"Fn::Not": [{"Fn::Equals": [{"Ref": "P"}, ""]}]},
    }


@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "on",
        "No",
        "True",
        "null",
        "~",
        "012345",
        "0x1F",
        "1_000",
        "12:30",
        "2012-10-17",
        ".inf",
        "1e3",
        "=",
        "<<",
    ],
)
def test_a_word_that_two_readers_read_differently_is_refused(word: str) -> None:
    """YAML 1.1 makes a truth value, an octal number or a date of it; quoted, it is text."""
    with pytest.raises(StraywatchError, match=r"^a\.yaml:2: .*quote it$"):
        read(f"a: 1\nb: {word}\n", "a.yaml")
    assert read(f'b: "{word}"\n', "a.yaml") == {"b": word}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "a.yaml:2: 'a' comes twice"),
        ("x: {b: 1,\n  b: 2}\n", "a.yaml:2: 'b' comes twice"),
        ("a: &here 1\n", "a.yaml:1: anchor or alias 'here': write it out"),
        ("a: 1\nb: *here\n", "a.yaml:2: anchor or alias 'here': write it out"),
        ("a:\n", 'a.yaml:1: nothing here: write "" if that is meant'),
        ("a: !!binary aGk=\n", "a.yaml:1: "),
        ("a: !Cidr [1]\n", "a.yaml:1: unknown tag !Cidr: known are "),
        ("1: a\n", "a.yaml:1: '1' is no name: quote it"),
        ("? [a]\n: b\n", "a.yaml:1: a name is text"),
        ("a: [\n", "a.yaml is no YAML: "),
        ("a: 1\n---\nb: 1\n", "a.yaml is no YAML: "),
    ],
)
def test_what_could_be_misread_is_refused_in_one_line(text: str, said: str) -> None:
    """With the file and the line that it stands on."""
    with pytest.raises(StraywatchError, match=f"^{re.escape(said)}") as raised:
        read(text, "a.yaml")
    assert "\n" not in str(raised.value)
