"""Wires what an organization of many accounts adds; imported only where there is one.

Everything of one account stays as it is: a member gets a `Deployment` like the own one, which looks
at IAM by the member's role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.adapters.account_alias import AccountAlias
from chalicelib.adapters.clients import Clients
from chalicelib.adapters.member_role import MemberRole, refusal_in
from chalicelib.adapters.roster_table import UNKNOWN, RosterTable
from chalicelib.domain.account import Account
from chalicelib.domain.check_requests import decode_check
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.organization import (
    ACTIVE,
    Listed,
    Member,
    Selection,
    accounts_of,
    selection_of,
)
from chalicelib.flows.roster import RefreshRoster, Watched
from chalicelib.flows.steps import Step
from chalicelib.log import log
from chalicelib.settings import FanOutSettings, OrganizationSettings, read_settings
from chalicelib.text import harmless, plain
from chalicelib.times import exact

if TYPE_CHECKING:
    from chalicelib.bootstrap import Deployment
    from chalicelib.flows.fan_out import FanOut, SweepOne

HEARD = "heard"
"""When an event of an account came last, among the small documents of that account."""
_HEARD_EVERY = timedelta(minutes=10)
_MOST_VIEWS = 50
WHOLE_ORGANIZATION = "organization"
LEFT_ALL = "left by the hub"


class Hub:
    """The organization as one deployed function sees it."""

    def __init__(self, deployment: Deployment, settings: OrganizationSettings) -> None:
        self._deployment = deployment
        self.settings = settings
        self._views: dict[Account, tuple[Clients, Deployment]] = {}
        self._heard: dict[Account, datetime] = {}

    @cached_property
    def watched(self) -> Watched:
        """The accounts whose events and messages count."""
        return Watched(self._deployment.own, self._roster, self._deployment.clock)

    def view(self, account: Account) -> Deployment:
        """The deployment as it looks at a member. Raises what STS raises."""
        reads = self._role.clients(account)
        found = self._views.get(account)
        if found is None or found[0] is not reads:
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
            found = self._views[account] = reads, self._deployment.looking_at(account, reads)
        return found[1]

    def heard(self, account: Account) -> None:
        """Note that an event of the account came now, once in some minutes."""
        now, last = self._deployment.clock(), self._heard.get(account)
        if last is None or now - last >= _HEARD_EVERY:
            self._heard[account] = now
            self._deployment.state.write_document(account, HEARD, {"at": exact(now)})

    def check(self, body: str) -> Evaluation | Step:
        """The check path, which looks by the role of the account that the message names.

        An account that refuses is unknown. Its checks are not tried again: the sweep that finds it
        readable once more finds its strays, and it alone counts the failures.
        """
        account = decode_check(body).account
        if account not in self.watched:
            return self._deployment.check(body)  # it says why it ignores it
        try:
            return self._deployment.of(account).check(body)
        except Exception as error:
            refusal = "" if account == self._deployment.own else refusal_in(error)
            if not refusal:
                raise
            log("check_unknown", account=account.key, error=refusal)
            return Step.UNKNOWN

    def refresh(self, *, leaves: bool = False) -> RefreshRoster:
        """What brings the list of accounts up to date, or empties it.

        Raises InvalidSelectionError.
        """
        settings, deployment = self.settings, self._deployment
        include, exclude = settings.organization_include, settings.organization_exclude
        selection = selection_of(
            "" if include == "all" else include, "" if exclude == "none" else exclude
        )
        return RefreshRoster(
            roster=self._roster,
            selection=selection,
            listed=_none if leaves else self._listed(selection),
            live=deployment.findings.live,
            # told even while alerts are paused: this function may not read the configuration
            leave=replace(deployment.commit, held_until=deployment.clock).leave,
        )

    def _listed(self, selection: Selection) -> Callable[[Iterable[Account]], Iterable[Listed]]:
        from chalicelib.adapters.organizations import Organization  # noqa: PLC0415 - only the list's function pays for it

        own = self._deployment.own
        if self.settings.organization_accounts == WHOLE_ORGANIZATION:
            organization = Organization(self._deployment.clients.organizations(), own.partition)
            # tags are one call for each account: asked for only where something goes by them
            tags = selection.needs_tags or self.settings.owner_tag != "none"
            return lambda known: organization.accounts(known, tags=tags)
        named = accounts_of(self.settings.organization_accounts, own.partition)

        def of_list(known: Iterable[Account]) -> Iterator[Listed]:
            yield from (Listed(Member(account), ACTIVE) for account in (own, *named))
            yield from (Listed(Member(a), UNKNOWN) for a in known if a not in (own, *named))

        return of_list

    def fan_out(self) -> FanOut:
        """What asks for a sweep of each account."""
        from chalicelib.adapters.sweep_queue import SweepQueue  # noqa: PLC0415 - only the sweep pays for it
        from chalicelib.flows.fan_out import FanOut  # noqa: PLC0415 - as above

        deployment = self._deployment
        settings = read_settings(FanOutSettings, deployment.environment)
        queue = SweepQueue(deployment.clients.sqs(), settings.sweep_queue_url)
        return FanOut(accounts=self._accounts, send=queue.send, clock=deployment.clock)

    def _accounts(self) -> Iterator[Account]:
        """The own account, list or no list, and all others that are watched."""
        own = self._deployment.own
        yield own
        for member in self._roster.members():
            if not member.unwatched and member.account != own:
                yield member.account

    def sweep_one(self, time_left: Callable[[], float]) -> SweepOne:
        """What sweeps the account that a message names."""
        from chalicelib.flows.fan_out import SweepOne  # noqa: PLC0415 - only the sweep pays for it

        deployment = self._deployment
        return SweepOne(
            watched=self.watched,
            sweep=lambda account: deployment.of(account).sweep(time_left).run(account),
            refusal_in=refusal_in,
            documents=deployment.state,
            evidence=deployment.findings,
            tell=deployment.topic.publish,
            limit=self.settings.unreadable_alert,
            clock=deployment.clock,
        )

    def name_of(self, account: Account) -> str:
        """The account's name in the organization; the own one's alias before that.

        A name holds whatever whoever made the account wrote, unlike an alias.
        """
        alias = self._alias.of(account)
        return alias or harmless(self.watched.member(account).name)

    def labels_of(self, account: Account) -> Mapping[str, str]:
        """What subscriptions can go by besides: the account's unit, and its owner."""
        member = self.watched.member(account)
        owner = member.tag(self.settings.owner_tag)
        labels = {"organizational_unit": member.unit, "owner": owner}
        return {name: plain(value) for name, value in labels.items() if plain(value)}

    @cached_property
    def _alias(self) -> AccountAlias:
        deployment = self._deployment
        return AccountAlias(deployment.clients.hasty_iam, deployment.own, deployment.clock)

    @cached_property
    def _roster(self) -> RosterTable:
        return RosterTable(self._deployment.state, self._deployment.own)

    @cached_property
    def _role(self) -> MemberRole:
        deployment = self._deployment
        return MemberRole(
            sts=deployment.clients.sts,
            make=deployment.make_client,
            role_name=self.settings.member_role_name,
            clock=deployment.clock,
        )


def _none(known: Iterable[Account]) -> Iterator[Listed]:
    """No account any more: each of those that were watched has left."""
    return (Listed(Member(account), LEFT_ALL) for account in known)
