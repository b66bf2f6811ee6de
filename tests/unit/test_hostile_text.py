"""Text from others cannot break a subject, a mail, a link or a shell command."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
import unicodedata
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from chalicelib.domain.alerts import Alert, Message
from chalicelib.domain.findings import Finding
from chalicelib.messages.body import body_of
from chalicelib.messages.mail import mail
from chalicelib.messages.remedies import (
    exempt_command,
    group_commands,
    history_command,
    join_command,
)
from chalicelib.messages.subject import sms, subject
from tests.unit.examples import EXAMPLES, FINDING, NOW
from tests.unit.hostile import HOSTILE, LEGAL, alerts, findings, messages

FEW = settings(max_examples=50, deadline=None)
OWN_LINK = re.compile(r"(Console|CloudTrail): +https://us-east-1\.console\.aws\.amazon\.com/[!-~]*")

OURS = {"user_id", "detected_by", "crowd", "escalated_in"}
"""Texts of a finding that nobody can choose: IAM gives the id, the others are names of ours."""
TEXTS = [field.name for field in fields(Finding) if field.type in ("str", "tuple[str, ...]")]


@pytest.mark.parametrize("text", sorted({*TEXTS} - OURS))
def test_every_text_of_a_finding_is_tried(text: str) -> None:
    """What follows is said of all texts that others may choose, a new one among them."""
    assert find(findings(), lambda finding: getattr(finding, text) != getattr(FINDING, text))


@FEW
@given(messages())
def test_a_subject_is_one_safe_line(message: Message) -> None:
    """SNS takes every subject, and no name adds a header: ASCII, no controls, under 100."""
    line = subject(message)
    assert 0 < len(line) < 100
    assert all(" " <= char <= "~" for char in line)
    assert line.startswith("[")
    assert message.account.account_id in line


@FEW
@given(messages())
def test_a_text_message_fits_into_one(message: Message) -> None:
    """140 ASCII characters are one SMS; a longer one would be cut or cost twice."""
    text = sms(message)
    assert len(text.encode()) <= 140
    assert text.isascii()


@FEW
@given(messages())
def test_no_text_adds_a_line_to_a_mail(message: Message) -> None:
    """A mail holds no control character but the line breaks of its own making."""
    text = mail(message, "acme")
    assert not [c for c in text if c != "\n" and unicodedata.category(c)[0] in "CZ" and c != " "]
    assert text.count("\n") <= 32


@FEW
@given(messages())
def test_no_text_forges_a_link(message: Message) -> None:
    """The links of a mail are the product's own, whatever a name or an agent says."""
    commands = [f"  {command}" for command in body_of(message)["remediation"]["commands"]]
    for line in mail(message).splitlines():
        if line not in commands and ("://" in line or re.search(r"(?i)\bwww\.", line)):
            assert OWN_LINK.fullmatch(line)


@FEW
@given(alerts())
def test_links_lead_to_the_console(alert: Alert) -> None:
    """A name stays inside its place in the link: host and path are fixed."""
    remediation = body_of(alert)["remediation"]
    for link in (remediation["console_url"], remediation["cloudtrail_url"]):
        parts = urlsplit(link)
        assert parts.hostname == "us-east-1.console.aws.amazon.com"
        assert parts.path in ("/iam/home", "/cloudtrailv2/home")
        assert parts.fragment.count("?") <= 1
        assert not re.search(r"[\s\"'<>\\^`{|}]", link)


def commands_for(name: str) -> tuple[str, ...]:
    """Every command that a message may hold about a user."""
    return (
        *group_commands(name),
        join_command(name, name),
        exempt_command(name, NOW),
        history_command("aws", name),
    )


@given(LEGAL)
def test_commands_name_the_user_exactly(name: str) -> None:
    """What the shell hands over is the very name, also one that looks like an option."""
    add, tag = shlex.split(group_commands(name)[1]), shlex.split(exempt_command(name, NOW))
    for words in (add, tag):
        joined = f"--user-name={name}" in words
        assert joined or words[words.index("--user-name") + 1] == name
        assert joined == name.startswith("-")


@given(HOSTILE)
def test_commands_are_one_line_and_one_command(name: str) -> None:
    """Whatever a name holds, each command is one line that parses to one `aws` call."""
    for command in commands_for(name):
        assert "\n" not in command
        assert shlex.split(command)[0] == "aws"


@pytest.fixture(scope="module")
def bench() -> Path:  # type: ignore[misc] # a generator, as fixtures are
    """A folder with a stub `aws` that writes down its words, and nothing else to run."""
    with tempfile.TemporaryDirectory(prefix="straywatch-") as place:
        folder = Path(place)
        stub = folder / "aws"
        stub.write_text('#!/bin/sh\nprintf "%s\\0" "$#" "$@" >> "$LOG"\n')
        stub.chmod(0o755)
        yield folder


@settings(max_examples=5, deadline=None)
@given(st.lists(HOSTILE, min_size=20, max_size=20))
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_runs_the_command_and_nothing_else(
    bench: Path, shell: str, names: list[str]
) -> None:
    """Pasted into a shell, each command calls `aws` once with its words; no name runs anything."""
    script = [command.replace("\0", "?") for name in names for command in commands_for(name)]
    log = bench / "log"
    log.write_bytes(b"")
    path = shutil.which(shell) or shell
    subprocess.run([path, "-n", "-c", "\n".join(script)], check=True)
    ran = subprocess.run(
        [path, "-c", "\n".join(script)],
        env={"PATH": str(bench), "LOG": str(log), "GROUP": "nurses; x", "WHY": "$(boom)"},
        cwd=bench,
        capture_output=True,
        check=True,
    )
    assert ran.stdout == b""
    assert ran.stderr == b""
    filled = [each.replace("${GROUP:?name the group}", "nurses; x") for each in script]
    filled = [each.replace("${WHY:?say why}", "$(boom)") for each in filled]
    expected = [shlex.split(command)[1:] for command in filled]
    assert log.read_bytes() == b"".join(
        f"{word}\0".encode("utf-8", "surrogatepass")
        for words in expected
        for word in (str(len(words)), *words)
    )
    assert {path.name for path in bench.iterdir()} == {"aws", "log"}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_command_with_a_choice_in_it_does_not_run(bench: Path, shell: str) -> None:
    """Pasted as it stands, it joins no group and exempts nobody: the shell says what to fill in."""
    (bench / "log").write_bytes(b"")
    for command in (group_commands("frank")[1], exempt_command("frank", NOW)):
        ran = subprocess.run(
            [shutil.which(shell) or shell, "-c", command],
            env={"PATH": str(bench), "LOG": str(bench / "log")},
            cwd=bench,
            capture_output=True,
            check=False,
        )
        assert ran.returncode != 0
        assert re.search(b"name the group|say why", ran.stderr)
    assert (bench / "log").read_bytes() == b""


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_subject_fits_an_inbox_and_a_text_its_message(name: str) -> None:
    """60 columns that begin with severity and user; 140 bytes that say why it is bad."""
    message = EXAMPLES[name]
    assert len(subject(message)) <= 60
    assert sms(message).startswith(subject(message))
    assert len(sms(message).encode()) <= 140


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_mail_is_one_screen(name: str) -> None:
    """24 lines; prose within 80 columns; commands and links whole, each on its own line."""
    message = EXAMPLES[name]
    commands = [f"  {command}" for command in body_of(message)["remediation"]["commands"]]
    lines = mail(message, "acme-prod").splitlines()
    assert len(lines) <= 24
    assert set(commands) <= set(lines)
    long = [line for line in lines if len(line) > 80 and line not in commands]
    assert [line for line in long if not OWN_LINK.match(line) and "https" not in line] == []
