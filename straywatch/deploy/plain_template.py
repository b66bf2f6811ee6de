"""The plain template: what the SAM transform makes of ours, for those who take no transform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3


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
    return made
