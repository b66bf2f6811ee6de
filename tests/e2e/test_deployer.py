"""Deploying and removing with the policy of docs/deployer-policy.json, and nothing beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from straywatch.deploy.artifacts import artifact_bucket, tls_only
from straywatch.deploy.packaging import SOURCES
from straywatch.local.emulator.process import LocalAws, running_emulator
from straywatch.local.emulator.session import LocalSession
from tests.unit.test_deployer_policy import OF_THE_COMMAND_LINE

POLICY = (SOURCES / "docs" / "deployer-policy.json").read_text(encoding="utf-8")
UNSEEN = {"cloudformation:DeleteChangeSet"}
"""A change set is deleted only if it is not approved."""
TOLD_OF = {each for each in OF_THE_COMMAND_LINE if not each.startswith("s3:")} - UNSEEN
"""The embedded AWS keeps no record of calls to S3; one that is denied ends the command."""


@dataclass(frozen=True)
class Deployer:
    """A user who has the policy, and whom nothing else allows anything."""

    aws: LocalAws
    home: Path
    key_id: str
    secret: str

    def run(self, *arguments: str) -> None:
        """Run a command."""
        own = {
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "HOME": str(self.home),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "straywatch", *arguments],
            env={**os.environ, **self.aws.environment(), **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr

    def make_bucket(self) -> None:
        """Have the bucket for packages made.

        It refuses whoever comes without TLS, and the embedded AWS has none: so the policy, once
        made, is replaced by another, which stays as somebody has set it.
        """
        bucket = artifact_bucket(LocalSession(self.aws.endpoint, self.key_id, self.secret))
        bucket.ensure()
        policy = json.dumps(tls_only("aws", bucket.name)).replace('"false"', '"neither"')
        self.aws.session().client("s3").put_bucket_policy(Bucket=bucket.name, Policy=policy)


def deployer(aws: LocalAws, home: Path) -> Deployer:
    """Make the user."""
    iam = aws.session().client("iam")
    account = aws.session().client("sts").get_caller_identity()["Account"]
    iam.create_user(UserName="deployer")
    document = POLICY.replace("ACCOUNT", account)
    iam.put_user_policy(UserName="deployer", PolicyName="deploy", PolicyDocument=document)
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    return Deployer(aws, home, key["AccessKeyId"], key["SecretAccessKey"])


def test_the_policy_is_enough_and_each_call_of_it_is_used(tmp_path: Path) -> None:
    """A first deployment, an update, and the removal of it all, findings included."""
    with running_emulator(retry_seconds=0.2) as aws:
        user = deployer(aws, tmp_path)
        user.make_bucket()
        user.run("deploy", "--yes", "--email", "ann@example.com", "--tag", "team=security")
        stack = aws.session().client("cloudformation").describe_stacks()["Stacks"][0]
        user.run("deploy", "--yes", "--grace", "1h")
        user.run("destroy", "--yes", "--delete-findings")
        asked = {each["action"] for each in aws.control.calls() if _by_deployer(each["caller_arn"])}
        denied = [each for each in aws.control.denials() if _by_deployer(each["caller_arn"])]
    assert stack["EnableTerminationProtection"]
    assert stack["Tags"] == [{"Key": "team", "Value": "security"}]
    assert denied == []
    assert sorted(TOLD_OF - asked) == []


def _by_deployer(caller_arn: str) -> bool:
    return caller_arn.endswith(":user/deployer")
