"""Plan files: read back as written, edited by hand, refused with the line that is wrong."""

from __future__ import annotations

import pytest

from straywatch.errors import WrongUsageError
from straywatch.remediation.applying.application import refuse_if_harmful
from straywatch.remediation.files.planfile import dump_plan, load_plan
from straywatch.remediation.planning.plan import Options
from straywatch.remediation.planning.planner import make_plan
from tests.unit.remediation.samples import account, allow, deny, group, user

ODD = "a=b,c.d@e+f-_"
SNAPSHOT = account(
    user("yes", allow("s3:Get*"), deny("s3:GetAcl")),
    user("bob", allow("s3:Get*"), deny("s3:GetAcl")),
    user(ODD, allow("sqs:*", on="arn:aws:sqs:*:*:\u00e9\u2028#: {}"), groups=("Old",)),
    user("123"),
    group("Old", allow("kms:*")),
    group("Idle"),
)


def text() -> str:
    """A plan file of every part."""
    return dump_plan(make_plan(SNAPSHOT, Options()))


def test_a_plan_reads_back_as_it_was_written() -> None:
    """Nothing is lost, whatever names look like in YAML."""
    assert dump_plan(load_plan(text())) == text()
    assert {member.name for member in load_plan(text()).users} == {"yes", "bob", "123"}


def line_of(content: str, part: str) -> int:
    """The line on which a text first stands."""
    return content[: content.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("create: true", "create: maybe", "groups[0].create", "valid boolean"),
        ("name: access-s3", "name: access s3", "groups[0].name", "match pattern"),
        ("join: [access-s3]", "join: [nowhere]", "users[0].join", "does not stand under groups"),
        (
            "delete_inline: [own]",
            "delete_inline: [x]",
            "users[0].delete_inline",
            "no inline policy x",
        ),
        ("id: AIDABOB", "id: AIDAEVE", "users[1].name", "not a user that this plan was made for"),
        ("Effect: Allow", "Effect: Perhaps", "groups[0].inline.access-s3-1", "neither allows"),
        ("name: Idle", "name: Idol", "groups[1].name", "not a group"),
        ("max_gain: 0", "max_gain: few", "max_gain", "valid integer"),
        ("max_gain: 0", "max_gain: -1", "max_gain", "greater than or equal to 0"),
        ("max_gain: 0", "max_gain: 0\nextra: 1", "extra", "not permitted"),
        ("scope: strays", "", "scope", "Field required"),
        ("scope: strays", "skope: strays", "skope", "not permitted"),
        ("create: true", "creat: true", "groups[0].creat", "nexpected keyword"),
        ("id: AIDABOB", "id: 5", "users[1].id", "valid string"),
        ("join: [access-s3]", "join: [access-s3, access-s3]", "users[0].join", "stands twice"),
        ("join: [access-s3]", "join: access-s3", "users[0].join", "valid tuple"),
        ('"groups":[]', '"groups":["Old"]', "before", "edited or cut"),
    ],
)
def test_a_wrong_edit_is_refused_by_line_and_field(
    old: str, new: str, field: str, words: str
) -> None:
    """The message begins with the file and the line, then names the field and what is wrong."""
    content = text()
    assert old in content
    with pytest.raises(WrongUsageError) as refused:
        load_plan(content.replace(old, new, 1), "p.yaml")
    message = str(refused.value)
    assert field in message
    assert words in message
    if field in ("groups[0].create", "users[0].join", "max_gain"):
        assert message.startswith(f"p.yaml:{line_of(content, old)}:")


@pytest.mark.parametrize("content", ["", "[]", "a: [", "schema: straywatch.plan/2", "\x00"])
def test_what_is_no_plan_is_said_to_be_none(content: str) -> None:
    """No file makes a traceback."""
    with pytest.raises(WrongUsageError, match=r"^p\.yaml"):
        load_plan(content, "p.yaml")


def test_an_edit_that_takes_something_away_is_refused() -> None:
    """Whoever drops a statement from a planned group is told who would lose what."""
    content = text()
    start = content.index("      - Effect: Allow")
    end = content.index("      - Effect: Deny")
    cut = content[:start] + content[end:]
    plan = load_plan(
        cut if start < end else content.replace("Action: ['s3:Get*']", "Action: ['s3:Put*']")
    )
    with pytest.raises(WrongUsageError, match="loss of allow"):
        refuse_if_harmful(plan)


def test_a_group_may_be_renamed_and_a_user_taken_out() -> None:
    """Edits that harm nobody are followed; names of groups ignore case."""
    content = (
        text().replace("access-s3", "Readers").replace("join: [Readers]", "join: [READERS]", 1)
    )
    plan = load_plan(content)
    refuse_if_harmful(plan)
    assert {member.join for member in plan.users if member.name != "123"} == {("Readers",)}


def test_gains_are_counted_anew_against_max_gain() -> None:
    """An edit that gives more is refused until max_gain in the file allows it."""
    content = text().replace("Action: ['s3:Get*']", "Action: ['s3:Get*', 'kms:Sign']", 1)
    with pytest.raises(WrongUsageError, match="gain of allow kms:sign"):
        refuse_if_harmful(load_plan(content))
    refuse_if_harmful(load_plan(content.replace("max_gain: 0", "max_gain: 1")))
