"""A stand-in for AWS Security Hub: takes what botocore's own model lets pass, and keeps findings.

The emulator has no Security Hub. The limits that the model does not know are those of the guide
to BatchImportFindings and of the AWS Security Finding Format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from straywatch.local.bridge.exchange import Application, Message, Receive, Send, read_body

PATH = "/findings/import"
ACTION = "securityhub:BatchImportFindings"
_MOST = 100
_LIMITS = {"Id": 512, "GeneratorId": 512, "Title": 256, "Description": 1024}


@dataclass
class SecurityHub:
    """Findings by their id, as the latest update left them."""

    findings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, body: bytes, account_id: str) -> tuple[int, dict[str, Any]]:
        """Answer a BatchImportFindings call of an account."""
        try:
            request = json.loads(body)
        except ValueError:
            return 400, {"Code": "InvalidInputException", "Message": "not JSON"}
        faults = _model_faults(request)
        if faults:
            return 400, {"Code": "InvalidInputException", "Message": faults}
        failed = [fault for f in request["Findings"] for fault in _faults(f, account_id)]
        refused = {fault["Id"] for fault in failed}
        for finding in request["Findings"]:
            if finding["Id"] not in refused:
                self._put(finding)
        taken = len(request["Findings"]) - len(refused)
        return 200, {
            "SuccessCount": taken,
            "FailedCount": len(refused),
            "FailedFindings": failed,
        }

    def _put(self, finding: dict[str, Any]) -> None:
        """An update that is not newer than what is there is ignored."""
        known = self.findings.get(finding["Id"])
        if known is None or _time(finding) > _time(known):
            self.findings[finding["Id"]] = finding


def served(
    inner: Application, hub: SecurityHub, account_of: Callable[[Message], str]
) -> Application:
    """An application that answers BatchImportFindings itself and hands on all else."""

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", PATH):
            await inner(scope, receive, send)
            return
        status, body = hub.answer(await read_body(receive), account_of(scope))
        headers = [(b"content-type", b"application/json")]
        if "Code" in body:
            headers.append((b"x-amzn-errortype", body["Code"].encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    return serve


def _model_faults(request: Any) -> str:  # noqa: ANN401 - whatever JSON was sent
    shape: Any = _model().operation_model("BatchImportFindings").input_shape
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        return str(report.generate_report())
    return "" if 0 < len(request["Findings"]) <= _MOST else f"1 to {_MOST} findings a call"


def _faults(finding: Mapping[str, Any], account_id: str) -> list[dict[str, str]]:
    told = [
        f"{name} has more than {longest} characters"
        for name, longest in _LIMITS.items()
        if len(finding[name]) > longest
    ]
    if finding["AwsAccountId"] != account_id:
        told.append("the finding is of another account")
    if f":product/{account_id}/default" not in finding["ProductArn"]:
        told.append("the product is not the account's own")
    if "Severity" not in finding or "Types" not in finding:
        told.append("Severity and Types are required")
    try:
        _time(finding)
    except ValueError:
        told.append("UpdatedAt is no time")
    code = "InvalidInput"
    return [{"Id": finding["Id"], "ErrorCode": code, "ErrorMessage": each} for each in told]


def _time(finding: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(finding["UpdatedAt"])


@cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("securityhub")
