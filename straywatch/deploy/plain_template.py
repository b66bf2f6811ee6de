"""The plain template: what the SAM transform makes of ours, for those who take no transform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3

from straywatch.deploy.deployment import locate_code


def transformed(template: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return a SAM `template`, its code located in S3, as the transform hands it to CloudFormation.

    Asks AWS nothing: the translator is the one that CloudFormation runs, and `region` tells it the
    partition alone.
    """
    from samtranslator.parser.parser import Parser  # noqa: PLC0415 - it takes a second to import
    from samtranslator.translator.translator import Translator  # noqa: PLC0415 - as above

    session = boto3.Session(region_name=region)
    sam = Translator({}, Parser(), boto_session=session)
    made: dict[str, Any] = sam.translate(dict(template), {})
    sam.metrics.publish()  # to nobody: else it warns of having kept them to itself
    return made


def plain(template: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return the packaged `template` without its transform, for any bucket that holds the code.

    StackSets with service-managed permissions, and pipelines that allow no macros, take it. The
    code archive lies where the parameters `CodeBucket` and `CodeKey` say.
    """
    located = locate_code(dict(template), "bucket", "key")
    made = transformed(located, region)
    for resource in made["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {
                "S3Bucket": {"Ref": "CodeBucket"},
                "S3Key": {"Ref": "CodeKey"},
            }
    return made | {"Parameters": made["Parameters"] | _WHERE_THE_CODE_IS}


_WHERE_THE_CODE_IS = {
    "CodeBucket": {
        "Type": "String",
        "Description": "Bucket, in the region of the stack, that holds deployment.zip",
    },
    # An archive under an old key is the old code to CloudFormation, whatever lies there.
    "CodeKey": {
        "Type": "String",
        "Description": "Key of deployment.zip in that bucket: its SHA-256, and .zip",
        "AllowedPattern": r"^[0-9a-f]{64}\.zip$",
        "ConstraintDescription": "must be the SHA-256 of deployment.zip in small letters, and .zip",
    },
}
