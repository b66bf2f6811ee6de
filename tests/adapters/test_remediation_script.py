"""The printed script as a shell runs it, with AWS's own CLI, in this process, on moto."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from awscli.clidriver import create_clidriver  # type: ignore[import-untyped] # it has no types
from moto import mock_aws

from straywatch.remediation.applying.verification import verify
from straywatch.remediation.files.as_cli import as_cli
from straywatch.remediation.planning.plan import Options, Plan
from straywatch.remediation.planning.planner import make_plan
from tests.adapters.remediation_account import (
    allow,
    client,
    document,
    look,
    populate,
    populate_few,
    state,
)

AWS = """\
#!{python} -IS
import socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
line.sendall("\\0".join(sys.argv[1:]).encode())
line.shutdown(socket.SHUT_WR)
answer = b"".join(iter(lambda: line.recv(65536), b""))
code, out, err = answer.decode().split("\\0")
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(int(code))
"""
"""A command `aws` that starts in an instant: it hands its words to the test."""


class Shell:
    """Runs scripts whose `aws` is answered by AWS's CLI against the account that moto keeps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._line = socket.socket(socket.AF_UNIX)
        address = str(folder / "s")
        self._line.bind(address)
        self._line.listen()
        (folder / "aws").write_text(AWS.format(python=sys.executable, address=address))
        (folder / "aws").chmod(0o700)
        self._driver = create_clidriver()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            caller, _ = self._line.accept()
            words = b"".join(iter(lambda: caller.recv(65536), b"")).decode().split("\0")  # noqa: B023 - read at once
            out, err = io.StringIO(), io.StringIO()
            with redirect_stdout(out), redirect_stderr(err):
                code = self._driver.main(words)
            caller.sendall("\0".join([str(code), out.getvalue(), err.getvalue()]).encode())
            caller.close()

    def run(self, script: str) -> tuple[int, str]:
        """Run a script; answer its exit code and what it says on stderr."""
        done = subprocess.run(
            ["sh", "-c", script],
            env={"PATH": f"{self._folder}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell with credentials for moto's account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield Shell(tmp_path)


def planned() -> Plan:
    """A plan for the account as it is."""
    return make_plan(look(client()), Options())


def test_the_script_leads_to_the_planned_state_and_can_be_run_again(shell: Shell) -> None:
    """With every legal name; a second run finds nothing left to do."""
    populate(client())
    plan = planned()
    script = as_cli(plan, detach_direct=True, settle=0)
    assert shell.run(script) == (0, "")
    now = look(client())
    assert all(finding.fine for finding in verify(plan, now))
    assert not [user for user in now.users if user.name == "ann" and user.attached_policies]
    after = state(client())
    assert shell.run(script) == (0, "")
    assert state(client()) == after


def test_the_script_stops_before_it_harms(shell: Shell) -> None:
    """What is not as planned is named, and nothing is taken from anybody."""
    populate_few(client())
    plan, iam = planned(), client()
    script = as_cli(plan, detach_direct=True, settle=0)
    arn = plan.new_groups[0].attach[0]

    def refused(script: str, words: str) -> None:
        before = [(user.attached_policies, user.inline_policies) for user in look(iam).users]
        code, told = shell.run(script)
        assert (code, told.count("\n")) == (3, 1), told
        assert words in told
        assert [(u.attached_policies, u.inline_policies) for u in look(iam).users] == before

    group = plan.new_groups[0].name
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="x", PolicyDocument=document(allow("*")))
    refused(script, f"group {group} exists and holds x")
    iam.delete_group_policy(GroupName=group, PolicyName="x")

    def meddled(command: str) -> str:
        return script.replace("\nsleep 0", f"\naws iam {command}\nsleep 0", 1)

    taken = f"detach-group-policy --group-name={group} --policy-arn={arn}"
    refused(meddled(taken), f"group {group} does not hold {arn}")
    inline = next(iter(plan.new_groups[0].inline))
    other = f"put-group-policy --group-name={group} --policy-name={inline} --policy-document="
    refused(meddled(f"{other}'{document(allow('*'))}'"), f"does not hold {inline} as planned")
    gone = f"remove-user-from-group --group-name={group} --user-name=ann"
    refused(meddled(gone), f"ann is not in {group}")
    refused(script.replace("123456789012 ]", "999999999999 ]"), "not for account")


def test_another_user_of_the_name_stops_the_script(shell: Shell) -> None:
    """Users go by their ids; so does a policy that was written since under a planned name."""
    populate_few(client())
    script = as_cli(planned(), detach_direct=True, settle=0)
    iam = client()
    iam.delete_user(UserName="empty")
    iam.create_user(UserName="empty")
    before = state(iam)
    assert shell.run(script) == (3, "user empty is another: make a new plan\n")
    assert state(iam) == before


def test_every_name_and_document_is_one_word_of_the_shell() -> None:
    """Names never read as options, nor documents as code."""
    with mock_aws():
        populate(client())
        text = as_cli(planned(), detach_direct=True)
    assert "--user-name=-dash" in text
    assert re.search(r"holds_inline dora logs '[^']*\$\{aws:username\}[^']*'", text)
