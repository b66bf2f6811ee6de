"""Makes docs/images anew: the pages of a run on the embedded AWS that is seeded with a past.

The findings of this hour are real, made by the packaged application; those of the days before, and
the sweeps, are written into its table.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console, Group
from rich.terminal_theme import MONOKAI

from chalicelib.adapters.tables import FindingsTable
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Finding, Reason
from chalicelib.domain.severity import Severity
from chalicelib.times import exact
from scripts import chromium
from straywatch import __version__
from straywatch.commands.report import written
from straywatch.dashboard.server import serving
from straywatch.dashboard.source import DeploymentSource, shown
from straywatch.deploy.packaging import SOURCES, build
from straywatch.local.emulator.session import ACCOUNT_ID
from straywatch.observing.reader import LOCAL
from straywatch.report.period import period
from straywatch.terminal.ports import listening_socket
from straywatch.watching.follower import Follower
from straywatch.watching.picture import picture
from straywatch.watching.view import View
from tests.e2e.local_stack import LocalStack, local_stack
from tests.unit import observed_samples as samples
from tests.unit.records import NOW

OUT = SOURCES / "docs" / "images"
GRACE_SECONDS = 40
_ACCOUNT = Account("aws", ACCOUNT_ID)
_KEEP = timedelta(days=2190)
_MEMBERS = 120
_PAST = ("ana.silva", "ci-runner-7", "t.nguyen", "backup-agent", "l.rossi", "m.haddad")
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def main() -> int:
    """Make every picture; 1 where the machine has no Chromium."""
    path = chromium.find()
    if not path:
        print(f"screenshots: {chromium.MISSING} (`make test` gets one)", file=sys.stderr)
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="straywatch-") as folder,
        local_stack(build(SOURCES, Path(folder)), GRACE_SECONDS) as stack,
        sync_playwright() as playwright,
    ):
        _seed(stack)
        _live_through_an_hour(stack)
        flags = list(chromium.FLAGS)
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        with _served(stack) as url:
            _dashboard(browser, url)
        _watch(browser, stack)
        _report(browser, stack)
        browser.close()
    for image in sorted(OUT.glob("*.png")):
        print(f"{image.relative_to(SOURCES)}  {image.stat().st_size // 1024} KB")
    return 0


def _seed(stack: LocalStack) -> None:
    """Give the account its members, and the table ten days of sweeps and findings that are over."""
    now = datetime.now(UTC)
    stack.control.plan("lose")  # they have been there for long
    for group in ("admins", "developers", "nurses"):
        stack.iam.create_group(GroupName=group)
    for number in range(_MEMBERS):
        stack.iam.create_user(UserName=f"member-{number:03d}")
        stack.iam.add_user_to_group(UserName=f"member-{number:03d}", GroupName="nurses")
    stack.control.plan("deliver")
    table = FindingsTable(
        stack.session.client("dynamodb"), stack.outputs["FindingsTableName"], _KEEP
    )
    for number, name in enumerate(_PAST):
        ago = timedelta(hours=30 + 29 * number)
        finding = samples.finding(name, number, ago=ago, severity=Severity(1 + number % 3))
        arn = f"arn:aws:iam::{ACCOUNT_ID}:user/{name}"
        finding = replace(finding, account=_ACCOUNT, user_arn=arn)
        over = samples.resolved(
            finding, timedelta(minutes=11 + 37 * number), list(Reason)[number % 3]
        )
        table.add(replace(over, **_moved(over, now - NOW)))  # type: ignore[arg-type]  # its times
    for sweep in samples.sweeps(240, _MEMBERS, 2, now)[:-1]:
        times = {name: exact(getattr(sweep, name)) for name in ("started_at", "finished_at")}
        table.record_sweep(_ACCOUNT, sweep.started_at, asdict(sweep) | times)


def _moved(finding: Finding, by: timedelta) -> dict[str, datetime]:
    """The finding's times, so much later, under this deployment's grace."""
    names = ("user_created_at", "opened_at", "resolved_at", "alerted_at")
    moved = {name: getattr(finding, name) + by for name in names}
    return moved | {"stray_since": moved["opened_at"] - timedelta(seconds=GRACE_SECONDS + 4)}


def _live_through_an_hour(stack: LocalStack) -> None:
    """Let users go astray: three are alerted about, one comes back, three more have their grace."""
    iam = stack.iam
    for name in ("frank.mueller", "deploy-legacy", "j.okafor", "new.hire"):
        iam.create_user(UserName=name)
    iam.attach_user_policy(UserName="frank.mueller", PolicyArn=_ADMINISTRATOR)
    iam.create_access_key(UserName="frank.mueller")
    iam.create_access_key(UserName="deploy-legacy")
    iam.create_login_profile(UserName="j.okafor", Password=f"{time.time()}-Aa")
    stack.inbox.wait(lambda _: len(stack.inbox.alerts) >= 4, GRACE_SECONDS + 60)  # noqa: PLR2004 - all four
    iam.add_user_to_group(UserName="new.hire", GroupName="nurses")
    stack.inbox.wait(lambda alert: alert.type == "resolved", 60)
    stack.session.client("lambda").invoke(FunctionName=stack.outputs["SweepFunctionName"])
    for name in ("sofia.k", "terraform-tmp", "contractor-12"):
        iam.create_user(UserName=name)
        time.sleep(4)


@contextmanager
def _served(stack: LocalStack) -> Iterator[str]:
    source = DeploymentSource(lambda: stack.session, None, LOCAL)
    with (
        listening_socket(0) as listener,
        shown(source, 0.5, alerts=lambda: tuple(stack.inbox.alerts)) as what,
        serving(listener, what) as url,
    ):
        yield url


def _dashboard(browser: Browser, url: str) -> None:
    page = _open(browser, url)
    _shoot(page, "dashboard")
    page.click("#inbox li:has-text('frank.mueller') .open-it")
    page.wait_for_selector("#sheet .form")
    _shoot(page, "alert")
    page.keyboard.press("Escape")
    page.click("#findings .open-it")
    page.wait_for_selector("#sheet .command")
    _shoot(page, "finding")
    _shoot(_open(browser, url, scheme="dark"), "dashboard-dark")
    _shoot(_open(browser, url, width=390, height=844), "dashboard-phone")


def _watch(browser: Browser, stack: LocalStack) -> None:
    follower = Follower(DeploymentSource(lambda: stack.session, None, LOCAL).read)
    follower.step()
    console = Console(record=True, width=92, file=io.StringIO(), force_terminal=True)
    lines, _ = picture(follower.seen, View(), follower.clock(), 92, 24)
    console.print(Group(*lines))
    page = browser.new_page(viewport={"width": 840, "height": 450}, device_scale_factor=2)
    page.set_content(console.export_html(inline_styles=True, theme=MONOKAI))
    page.add_style_tag(content="body{margin:22px 26px} pre{font-size:14px!important;margin:0}")
    _shoot(page, "watch")


def _report(browser: Browser, stack: LocalStack) -> None:
    today = datetime.now(UTC)
    days = (today - timedelta(days=10), today)
    chosen = period(*(f"{day:%Y-%m-%d}" for day in days))
    text, _ = written(stack.session, None, chosen, "html", __version__)
    page = browser.new_page(viewport={"width": 1080, "height": 1300})
    page.set_content(text)
    _shoot(page, "report")


def _open(
    browser: Browser, url: str, *, scheme: str = "light", width: int = 1280, height: int = 940
) -> Page:
    page = browser.new_page(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
        device_scale_factor=1.5,
    )
    page.goto(url)
    page.wait_for_selector("body[data-state=live]")
    page.wait_for_timeout(800)  # for the first second's ticks
    return page


def _shoot(page: Page, name: str) -> None:
    page.wait_for_timeout(300)  # for what slides or fades
    page.screenshot(path=OUT / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
