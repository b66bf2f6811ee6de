"""A deployment on moto: the template's own tables and queues, without its functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import boto3
from moto import mock_aws

from straywatch.deploy.template import assemble

_KEPT = ("CheckQueue", "DeadLetterQueue", "FindingsTable", "StateTable")
ACCOUNT_ID = "123456789012"


@contextmanager
def moto_stack() -> Iterator[Mapping[str, str]]:
    """Create the stack `straywatch`; yields its outputs."""
    template = assemble()
    outputs = {
        name: output
        for name, output in template["Outputs"].items()
        if isinstance(output["Value"], dict) and output["Value"].get("Ref") in _KEPT
    }
    outputs["ConfigParameterName"] = {"Value": "/straywatch/config"}
    resources = {name: template["Resources"][name] for name in _KEPT}
    with mock_aws():
        stacks = boto3.client("cloudformation", "us-east-1")
        body = json.dumps({"Resources": resources, "Outputs": outputs})
        stacks.create_stack(StackName="straywatch", TemplateBody=body)
        told = stacks.describe_stacks()["Stacks"][0]["Outputs"]
        yield {output["OutputKey"]: output["OutputValue"] for output in told}
