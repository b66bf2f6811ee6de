"""Joins a deployment, its reader and the page: what `straywatch dashboard` and `local` serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.findings import Finding
from straywatch.alert_path.delivered import Delivered, Delivery
from straywatch.dashboard.poller import Poller
from straywatch.dashboard.server import PageContent
from straywatch.dashboard.view import finding_details, view
from straywatch.errors import is_sign_in
from straywatch.observing.deployment import Observed, observed_deployment
from straywatch.observing.reader import DeploymentReader, Pace
from straywatch.observing.records import Reading


@dataclass
class DeploymentSource:
    """Reads a deployment that may yet have to be found, and remembers the findings it read.

    `session` makes a new session, which knows of a sign-in since the last one was made.
    """

    session: Callable[[], boto3.Session]
    stage: str | None
    pace: Pace
    findings: Mapping[str, Finding] = field(default_factory=dict)
    _reader: DeploymentReader | None = None
    _observed: Observed | None = None

    def read(self) -> tuple[Reading, Observed]:
        """Read once. Raises what AWS refuses, and StraywatchError where there is no stack."""
        try:
            if self._reader is None or self._observed is None:
                session = self.session()
                self._observed = observed_deployment(session, self.stage)
                self._reader = DeploymentReader(session, self._observed, self.pace)
            reading = self._reader.read()
        except (BotoCoreError, ClientError) as error:
            if is_sign_in(error):
                self._reader = None
            raise
        self.findings = {finding.finding_id: finding for finding in reading.findings}
        return reading, self._observed

    def view(self) -> Mapping[str, Any]:
        """What the page shows now. Raises as `read`."""
        return view(*self.read())

    def details(self, finding_id: str) -> Mapping[str, Any] | None:
        """One finding as the page opens it; None where no reading has shown it."""
        finding = self.findings.get(finding_id)
        return finding_details(finding) if finding else None


@contextmanager
def shown(
    source: DeploymentSource,
    seconds: float,
    alerts: Callable[[], Sequence[Delivered]] | None = None,
    deliveries: Callable[[], Sequence[Delivery]] = tuple,
) -> Iterator[PageContent]:
    """What to serve for the length of a `with` block, read every so many seconds."""
    poller = Poller(source.view, seconds)
    with poller.running():
        yield PageContent(
            current=poller.current, finding=source.details, alerts=alerts, deliveries=deliveries
        )
