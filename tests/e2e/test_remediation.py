"""The remediation commands end to end on the embedded AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from straywatch.local.emulator.process import LocalAws, running_emulator
from tests.adapters.remediation_account import populate, state

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ROOT = Path(__file__).parents[2]


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    """An emulator of its own: what is planned depends on every user and group in the account."""
    with running_emulator() as running:
        # its simulator does not find users below a path
        populate(running.session().client("iam"), path="/")
        yield running


@pytest.fixture
def iam(aws: LocalAws) -> IAMClient:
    """IAM of that emulator."""
    client: IAMClient = aws.session().client("iam")
    return client


def run(aws: LocalAws, *arguments: object) -> Any:
    """Run `straywatch ARGUMENTS` against the emulator."""
    return subprocess.run(
        [sys.executable, "-m", "straywatch", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **aws.environment(), "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def planned(aws: LocalAws, tmp_path: Path) -> Path:
    """A plan file made by the command."""
    path = tmp_path / "plan.yaml"
    answer = run(aws, "plan", "-o", path)
    assert answer.returncode == 1, answer.stderr
    assert "BedrockAPIKey-x1" in answer.stdout
    return path


def test_plan_apply_verify_undo(aws: LocalAws, iam: IAMClient, tmp_path: Path) -> None:
    """The whole way by the command line: shown, made, verified, taken back without a trace."""
    before = state(iam)
    plan = planned(aws, tmp_path)
    assert plan.read_bytes() == planned(aws, tmp_path).read_bytes()
    assert run(aws, "apply", plan).returncode == 1
    assert state(iam) == before
    assert run(aws, "verify", plan).returncode == 1
    made = run(aws, "apply", plan, "--yes", "--detach-direct", "--settle", "0")
    assert made.returncode == 0, made.stderr
    verified = run(
        aws, "verify", plan, "--format", "json", "--simulate", "s3:GetObject,sqs:SendMessage"
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert all(user["fine"] for user in json.loads(verified.stdout)["users"])
    again = run(aws, "apply", plan)
    assert (again.returncode, again.stdout) == (0, "nothing to do\n")
    undone = run(aws, "undo", f"{plan}.journal", "--settle", "0")
    assert undone.returncode == 0, undone.stderr
    assert state(iam) == before


def test_least_privilege_flags_an_administrator(aws: LocalAws, iam: IAMClient) -> None:
    """An administrator-like group and a way to escalate are named; the exit code says so."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    escalate = {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"}
    for name, statement in (("Admins", everything), ("Helpers", escalate)):
        iam.create_group(GroupName=name)
        iam.put_group_policy(
            GroupName=name,
            PolicyName="p",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
    answer = run(aws, "least-privilege", "--format", "json")
    assert answer.returncode == 1, answer.stderr
    found = {
        g["group"]: {f["kind"] for f in g["flags"]} for g in json.loads(answer.stdout)["groups"]
    }
    assert "administrator" in found["Admins"]
    assert "privilege escalation" in found["Helpers"]
