"""Commands that aim where the doctor was aimed: at its stage, profile, region and endpoint."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

import boto3

from straywatch.deploy.stack import DEFAULT_NAME

STAGED = frozenset({"deploy", "doctor", "exemptions", "redrive", "sweep", "test-alert"})
"""The commands that take `--stage`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """How the doctor was asked. Empty is what it was not told."""

    stage: str = ""
    profile: str = ""
    region: str = ""
    endpoint: str = ""

    def straywatch(self, command: str, *words: str) -> str:
        """A command of Straywatch's for the same deployment; the words are quoted."""
        staged = self.stage and command.split(maxsplit=1)[0] in STAGED
        options = [
            *(["--stage", self.stage] if staged else []),
            *(["--profile", self.profile] if self.profile else []),
            *(["--region", self.region] if self.region else []),
        ]
        endpoint = f"AWS_ENDPOINT_URL={shlex.quote(self.endpoint)} " if self.endpoint else ""
        return f"{endpoint}straywatch {command} {shlex.join([*words, *options])}".rstrip()

    def aws(self, command: str, *words: str) -> str:
        """A command of AWS's own in the same place; the words are quoted."""
        # as an option: version 1 does not read the endpoint of every service from the environment
        options = [
            *(["--profile", self.profile] if self.profile else []),
            *(["--region", self.region] if self.region else []),
            *(["--endpoint-url", self.endpoint] if self.endpoint else []),
        ]
        return f"aws {command} {shlex.join([*words, *options])}".rstrip()


def invocation(session: boto3.Session, stack_name: str) -> Invocation:
    """How a command with this session was asked about the stack."""
    profile = session.profile_name
    return Invocation(
        stage=stack_name.removeprefix(DEFAULT_NAME).removeprefix("-"),
        profile="" if profile == "default" else profile,
        region=session.region_name or "",
        endpoint=os.environ.get("AWS_ENDPOINT_URL", ""),
    )
