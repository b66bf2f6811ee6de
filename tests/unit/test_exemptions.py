"""Who may be a stray, and until when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account import User
from chalicelib.domain.exemptions import (
    Exempt,
    Exemptions,
    InvalidConfigurationError,
    NotExempt,
    parse,
    read_end,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def user(name: str = "ci-robot", path: str = "/", **tags: str) -> User:
    """A user with tags given as `exempt` and `until`."""
    keys = {"exempt": "straywatch:exempt", "until": "straywatch:exempt-until"}
    return User(
        "AIDAABCDEFGHIJKLMNOPQ",
        name,
        f"arn:aws:iam::123456789012:user{path}{name}",
        path,
        NOW,
        groups=(),
        tags={keys[key]: value for key, value in tags.items()},
    )


def configured(*entries: Mapping[str, object], **more: object) -> Exemptions:
    """Exemptions parsed from a document with these entries."""
    return parse(json.dumps({"version": 1, "exemptions": list(entries), **more}))


def test_a_name_pattern_exempts_without_regard_to_case() -> None:
    """`ci-*` exempts CI-Robot, and the answer says by what, why and until when."""
    rules = configured({"name": "ci-*", "reason": "robots", "until": "2027-01-31"})
    assert rules.match(user("CI-Robot"), NOW) == Exempt(
        "name ci-*", "robots", datetime(2027, 2, 1, tzinfo=UTC)
    )
    assert rules.match(user("cj-robot"), NOW) == NotExempt()


@pytest.mark.parametrize("rule", ["/service", "/service/"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [("/service/", True), ("/service/a/", True), ("/services/", False), ("/", False)],
)
def test_a_path_ends_on_a_whole_segment(rule: str, path: str, *, expected: bool) -> None:
    """`/service/` covers itself and below, and not /services/."""
    rules = configured({"path": rule, "reason": "made by services"})
    assert isinstance(rules.match(user(path=path), NOW), Exempt) is expected


def test_a_user_id_exempts_exactly_one() -> None:
    """A user id survives renames and matches nobody else."""
    rules = configured({"user_id": "AIDAABCDEFGHIJKLMNOPQ", "reason": "break glass"})
    other = configured({"user_id": "AIDAABCDEFGHIJKLMNOPX", "reason": "break glass"})
    assert rules.match(user("renamed"), NOW) == Exempt(
        "user id AIDAABCDEFGHIJKLMNOPQ", "break glass", None
    )
    assert other.match(user(), NOW) == NotExempt()


def test_a_tag_exempts_with_its_reason_and_end() -> None:
    """The two tags make an exemption of their own, whatever the case of their keys."""
    assert Exemptions().match(user(exempt="ticket 7", until="2026-12-01T00:00:00+01:00"), NOW) == (
        Exempt("tag straywatch:exempt", "ticket 7", datetime(2026, 11, 30, 23, tzinfo=UTC))
    )
    assert isinstance(Exemptions().match(user(exempt="ticket 7"), NOW), Exempt)


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"exempt": "x", "until": "soon"}, "no date"),
        ({"exempt": "x", "until": "2026-12-01T00:00:00"}, "no date"),
        ({"exempt": "x", "until": ""}, "no date"),
        ({"exempt": "  "}, "no reason"),
    ],
)
def test_an_unusable_tag_does_not_exempt_and_says_so(tags: dict[str, str], why: str) -> None:
    """Without a reason or with an unreadable end, a tag is ignored aloud."""
    result = Exemptions().match(user(**tags), NOW)
    assert isinstance(result, NotExempt)
    assert why in result.note


def test_tag_exemptions_can_be_switched_off() -> None:
    """A user who may tag itself then cannot exempt itself, and the answer says why."""
    result = configured(tag_exemptions=False).match(user(exempt="me"), NOW)
    assert isinstance(result, NotExempt)
    assert "switched off" in result.note


def test_of_several_the_one_that_lasts_longest_holds() -> None:
    """No end goes before any end, a later before an earlier, the first among equals."""
    soon = {"name": "*", "reason": "soon", "until": "2026-12-01"}
    late = {"name": "ci-*", "reason": "late", "until": "2027-12-01"}
    late_too = {"path": "/", "reason": "late too", "until": "2027-12-01"}
    ever = {"name": "ci-robot", "reason": "ever"}
    assert _reason(configured(soon, late, late_too)) == "late"
    assert _reason(configured(late_too, soon, late)) == "late too"
    assert _reason(configured(soon, ever, late)) == "ever"


def _reason(rules: Exemptions) -> str:
    result = rules.match(user(), NOW)
    assert isinstance(result, Exempt)
    return result.reason


def test_the_latest_end_that_is_over_starts_the_grace() -> None:
    """When all are over, the answer tells the last end; at that very moment it is over."""
    rules = configured(
        {"name": "ci-*", "reason": "a", "until": "2026-11-20"},
        {"name": "*", "reason": "b", "until": "2026-11-23T12:00:00Z"},
        {"name": "other", "reason": "c"},
    )
    assert rules.match(user(), NOW) == NotExempt(ended=NOW)
    assert isinstance(rules.match(user(), NOW - timedelta(microseconds=1)), Exempt)


@pytest.mark.parametrize(
    "reason",
    ["WHY", "why?", "<reason>", "${WHY:?say why}", "Your reason", "TBD", "TODO", "...", "n/a"],
)
def test_a_placeholder_is_no_reason(reason: str) -> None:
    """What a pasted command leaves behind exempts nobody, neither in the document nor as a tag."""
    text = json.dumps({"version": 1, "exemptions": [{"name": "ci-*", "reason": reason}]})

    with pytest.raises(InvalidConfigurationError, match=r"exemptions\[0\].reason: must say why"):
        parse(text)

    assert parse(text, was_in_force=True).rules, "an earlier version took it: it stays in force"
    assert Exemptions().match(user(exempt=reason), NOW) == NotExempt(
        note="the tag straywatch:exempt is ignored: it gives no reason"
    )


@pytest.mark.parametrize(
    "reason", ["OPS-12", "robots", "why not: break glass", "x", "\u7406\u7531"]
)
def test_any_reason_of_ones_own_is_one(reason: str) -> None:
    """Nobody judges how good it is."""
    assert configured({"name": "ci-*", "reason": reason}).rules


def test_a_date_lasts_to_the_end_of_its_day_in_utc() -> None:
    """An exemption until the 31st holds on the 31st."""
    assert read_end("2027-01-31") == datetime(2027, 2, 1, tzinfo=UTC)


def test_every_fault_is_named_with_its_place() -> None:
    """One look at the message is enough to mend the whole document."""
    text = """{"version": 2, "tag_exemptions": "yes", "color": 1, "exemptions": [
        {"name": "a", "reason": "r"},
        {"name": "a", "path": "/b/", "reason": "r"},
        {"path": "b", "reason": "", "until": "tomorrow"},
        {"user_id": "bob", "reason": "r", "reason": "s", "Until": "2027-01-01"},
        7,
        {"reason": 3, "until": 5}]}"""
    with pytest.raises(InvalidConfigurationError) as caught:
        parse(text)
    places = [fault.partition(": ")[0] for fault in caught.value.faults]
    assert places == [
        "reason",
        "color",
        "version",
        "tag_exemptions",
        "exemptions[1]",
        "exemptions[2].path",
        "exemptions[2].reason",
        "exemptions[2].until",
        "exemptions[3].Until",
        "exemptions[3].user_id",
        "exemptions[4]",
        "exemptions[5]",
        "exemptions[5].reason",
        "exemptions[5].until",
    ]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"version": true}', "[" * 100_000, '{"version": 1.0}']
)
def test_what_is_no_configuration_is_refused(text: str) -> None:
    """Nothing but the documented object is accepted, however it is broken."""
    with pytest.raises(InvalidConfigurationError):
        parse(text)


def test_an_empty_configuration_keeps_tag_exemptions() -> None:
    """Only the version is required; tags exempt unless switched off."""
    assert parse('{"version": 1}') == Exemptions()


ENDS = st.sampled_from(["2026-01-01", "2026-11-23T12:00:00Z", "2099-01-01", "9999-12-30"])
ENTRIES = st.fixed_dictionaries(
    {"name": st.text(alphabet="ci-*?[]robt", min_size=1), "reason": st.just("r")},
    optional={"until": ENDS},
)


@given(st.lists(ENTRIES, max_size=5), st.permutations(range(5)))
def test_the_order_of_rules_never_changes_until_when(
    entries: list[dict[str, object]], order: list[int]
) -> None:
    """Shuffled rules exempt alike and end alike."""
    shuffled = [entries[index] for index in order if index < len(entries)]
    first, second = (configured(*rules).match(user(), NOW) for rules in (entries, shuffled))
    assert type(first) is type(second)
    if isinstance(first, Exempt) and isinstance(second, Exempt):
        assert first.until == second.until
    else:
        assert first == second


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["version", "exemptions", "name", "path", "user_id", "reason", "until"]
                )
                | st.text(),
                x,
            )
        ),
    )
)
def test_any_json_is_accepted_or_refused_by_name(document: object) -> None:
    """No document raises anything but the named refusal."""
    outcome: object
    try:
        outcome = parse(json.dumps(document)).match(user(), NOW)
    except InvalidConfigurationError as error:
        outcome = error.faults
    assert outcome


def test_an_exemption_may_name_its_owner() -> None:
    """An auditor asks who answers for an exemption; the document may say so."""
    rules = parse(
        '{"version": 1, "exemptions":'
        ' [{"name": "ci-*", "reason": "robots", "owner": "platform team"}]}'
    ).rules
    assert [rule.owner for rule in rules] == ["platform team"]


def test_an_empty_owner_is_a_fault() -> None:
    """An owner that names nobody is a slip, not an answer."""
    with pytest.raises(InvalidConfigurationError, match=r"exemptions\[0\]\.owner"):
        parse('{"version": 1, "exemptions": [{"name": "a", "reason": "b", "owner": " "}]}')


def test_an_exemption_may_be_for_one_account_or_one_unit() -> None:
    """It is about nobody elsewhere, and about nobody of whom the unit is not known."""
    here = {"name": "*", "reason": "a lab", "account": "123456789012"}
    there = {"name": "*", "reason": "a lab", "account": "222222222222"}
    unit = {"name": "*", "reason": "a lab", "unit": "ou-ab12-11111111"}
    path = ("r-ab12", "ou-ab12-11111111", "ou-ab12-22222222")
    for entry, units, exempt in [
        (here, (), True),
        (there, (), False),
        (unit, path, True),
        (unit, ("r-ab12",), False),
        (unit, (), False),
    ]:
        exemptions = parse(json.dumps({"version": 1, "exemptions": [entry]}))
        assert isinstance(exemptions.match(user("bob"), NOW, units), Exempt) is exempt
    assert exemptions.rules[0].by == "name * in unit ou-ab12-11111111"


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("account", "12", "must be an account id of 12 digits"),
        ("unit", "lab", "must be the id of an organizational unit"),
    ],
)
def test_a_place_that_is_none_is_refused(key: str, value: str, fault: str) -> None:
    """A slip of the pen must exempt nobody."""
    entry = {"name": "*", "reason": "a lab", key: value}
    with pytest.raises(InvalidConfigurationError, match=fault):
        parse(json.dumps({"version": 1, "exemptions": [entry]}))


@pytest.mark.parametrize("end", ["9999-12-31", "0001-01-01T00:00:00+14:00"])
def test_an_end_out_of_the_calendar_is_none(end: str) -> None:
    """It is refused: taken for no end, it would exempt for good."""
    with pytest.raises(ValueError, match="out of the calendar"):
        read_end(end)
    found = Exemptions().match(user(exempt="a reason", until=end), NOW)
    assert isinstance(found, NotExempt)


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"version": 1, "exemptions": {}}, "exemptions: must be a list"),
        ({"version": 1, "more": 1}, "more: unknown; known are version, tag_exemptions, exemptions"),
        ({"version": 1, "na\u00efve": 1}, "'na\\xefve': unknown"),
        ({"version": 1, "two words": 1}, "'two words': unknown"),
    ],
)
def test_each_fault_is_named_as_it_may_be_shown(document: object, fault: str) -> None:
    """In letters that break no line and no terminal."""
    with pytest.raises(InvalidConfigurationError) as refused:
        parse(json.dumps(document))
    (said,) = refused.value.faults
    assert said.startswith(fault)
