"""Imports findings into AWS Security Hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_securityhub import SecurityHubClient


class ImportRefusedError(Exception):
    """Security Hub answered, and did not take a finding."""


@dataclass(frozen=True, slots=True)
class SecurityHub:
    """BatchImportFindings, one finding at a time: each message is about one."""

    client: SecurityHubClient

    def put(self, finding: dict[str, Any]) -> None:
        """Create or update a finding. Raises ImportRefusedError, or what boto3 raises."""
        answer = self.client.batch_import_findings(Findings=[finding])  # type: ignore[list-item]  # asff.py builds it, botocore's model checks it
        if answer["FailedCount"]:
            failed = answer.get("FailedFindings", [])
            why = "; ".join(f"{f['ErrorCode']}: {f['ErrorMessage']}" for f in failed)
            raise ImportRefusedError(f"Security Hub refused {finding['Id']}: {why}"[:500])
