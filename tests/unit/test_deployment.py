"""The decisions of a deployment that need no AWS."""

from __future__ import annotations

from straywatch.deploy.deployment import locate_code


def test_functions_take_their_code_from_the_bucket_and_nothing_else_changes() -> None:
    """Only the code's place is filled in; the packaged template itself stays as it was."""
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./x", "Timeout": 3}}
    queue = {"Type": "AWS::SQS::Queue"}
    template = {"Resources": {"F": function, "Q": queue}, "Outputs": {"A": 1}}
    located = locate_code(template, "bucket", "hash.zip")
    assert located == {
        "Resources": {
            "F": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "s3://bucket/hash.zip", "Timeout": 3},
            },
            "Q": queue,
        },
        "Outputs": {"A": 1},
    }
    assert function["Properties"] == {"CodeUri": "./x", "Timeout": 3}
