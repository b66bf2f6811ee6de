"""YAML that would be misread, or would harm its reader, is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from straywatch.cli import run
from straywatch.remediation.files.planfile import dump_plan
from straywatch.remediation.files.safe_yaml import DEEPEST, YamlFault, read_yaml
from straywatch.remediation.planning.plan import Options
from straywatch.remediation.planning.planner import make_plan
from tests.unit.remediation.samples import account, allow, user

DEEP = "[" * 100_000
BOMB = "a: &a [x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nVersion: 2012-10-17\n", 2, "2012-10-17 reads as a date"),
        ("a: 1\nb: 2\na: 3\n", 3, "a stands twice"),
        ("a:\n  - x: 1\n    'x': 2\n", 3, "x stands twice"),
        (f"a:\n  {DEEP}", 2, f"more than {DEEPEST} levels"),
        ("a:\n" + "".join(f"{' ' * n}- \n" for n in range(1, 60)), 41, "levels deep"),
        (BOMB, 2, "*a is an alias"),
        ("a: &x 1\nb: *x\n", 2, "*x is an alias"),
        ("a: yes\n", 1, "yes reads as true or false"),
        ("a: 0777\n", 1, "0777 reads as a number"),
        ("a: 1:30\n", 1, "1:30 reads as a number"),
        ("a: 1_000\n", 1, "reads as a number"),
        (f"a: {'9' * 5000}\n", 1, "reads as a number"),
        ("a: .inf\n", 1, "reads as a number"),
        ("a: !!binary aGVsbG8=\n", 1, "reads as binary"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "is not read here"),
        ("a: !!set {x}\n", 1, "is not read here"),
        ("a: 1\n1: 2\n", 2, "a key must be text"),
        ("a: 1\n[x]: 2\n", 2, "a key must be text"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("a: 1\nb: [\n", 3, "not YAML"),
        ("a: 1\nb: \x00\n", 2, "not YAML"),
        ("a: 1\nb: \x07\n", 2, "not YAML"),
    ],
)
def test_what_could_be_misread_is_refused_by_line(text: str, line: int, words: str) -> None:
    """In one line, which says what to do; neither memory nor the interpreter suffers."""
    with pytest.raises(YamlFault) as refused:
        read_yaml(text)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.line == line


def test_what_json_has_is_read() -> None:
    """Texts, whole and decimal numbers, true, false, null, lists, mappings, block texts."""
    text = "a: 'yes'\nb: -12\nc: 1.5\nd: true\ne: null\nf: [x, {g: \"2012-10-17\"}]\nh: |\n  i\n"
    assert read_yaml(text) == {
        "a": "yes", "b": -12, "c": 1.5, "d": True, "e": None, "f": ["x", {"g": "2012-10-17"}],
        "h": "i\n",
    }  # fmt: skip


@pytest.mark.parametrize("command", ["apply", "verify"])
@pytest.mark.parametrize(
    ("old", "new", "encoding"),
    [
        ("Version: '2012-10-17'", "Version: 2012-10-17", "utf-8"),
        ("Version: '2012-10-17'", "Version: '2012-10-71'", "utf-8"),
        ("create: true", "create: true\n  create: false", "utf-8"),
        ("notes: []", f"notes: {DEEP}", "utf-8"),
        ("notes: []", BOMB, "utf-8"),
        ("before: |\n", f'before: |\n  {{"x": {DEEP}', "utf-8"),
        ("", "", "utf-16"),
        ("", "", "utf-32"),
        ("why: ", "why: \u00e9", "latin-1"),
    ],
)
def test_a_plan_file_that_could_be_misread_exits_2(
    *,
    command: str,
    old: str,
    new: str,
    encoding: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line on stderr with the line's number, before AWS is asked anything."""
    content = dump_plan(make_plan(account(user("a", allow("s3:*"))), Options()))
    assert old in content
    path = tmp_path / "plan.yaml"
    path.write_bytes(content.replace(old, new, 1).encode(encoding))
    assert run([command, str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "plan.yaml:" in told.err or "on line" in told.err


def test_a_byte_order_mark_does_no_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Some editors put one before UTF-8: the plan is the same."""
    content = dump_plan(make_plan(account(user("a", allow("s3:*"))), Options()))
    path = tmp_path / "plan.yaml"
    path.write_bytes(content.replace("\n", "\r\n").encode("utf-8-sig"))
    assert run(["apply", str(path), "--print", "cli"]) == 0
    assert "create-group" in capsys.readouterr().out
