"""The dashboard in a real browser, over readings of every kind."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from straywatch.alert_path.delivered import Delivered
from straywatch.dashboard.poller import Published
from straywatch.dashboard.server import PageContent, serving
from straywatch.dashboard.view import finding_details, view
from straywatch.observing.records import Reading, Unread
from straywatch.terminal.ports import listening_socket
from tests.browser.conftest import OpenPage
from tests.unit import observed_samples as samples
from tests.unit.observed_samples import OBSERVED

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
READINGS = {
    "usual": samples.usual,
    "empty": samples.empty,
    "hostile": samples.hostile,
    "unwell": samples.unwell,
}
ALERT = Delivered(
    "opened", "[HIGH] a <b>subject</b>", "dear reader", {}, {"severity": "HIGH"}, "{}", 0
)


@dataclass
class Server:
    """A server of the page whose reading, failures and being there a test decides."""

    published: Published = field(default_factory=Published)
    alerts: tuple[Delivered, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    _up: ExitStack = field(default_factory=ExitStack)

    def show(self, reading: Reading) -> None:
        """Let the page show a reading."""
        self.details = {f.finding_id: finding_details(f) for f in reading.findings}
        version = self.published.version + 1
        self.published = Published(version, view(reading, OBSERVED), time.time())

    def _details(self, finding_id: str) -> Any:
        return self.details.get(finding_id)

    def start(self) -> str:
        """Come up, on the port that it had before if it had one."""
        listener = self._up.enter_context(listening_socket(self.port))
        self.port = listener.getsockname()[1]
        shown = PageContent(
            current=lambda: self.published,
            finding=self._details,
            alerts=lambda: self.alerts,
        )
        return self._up.enter_context(serving(listener, shown))

    def stop(self) -> None:
        """Go away."""
        self._up.close()


@contextmanager
def serving_a(reading: Reading) -> Iterator[tuple[Server, str]]:
    """A server that shows a reading, and its address."""
    server = Server()
    server.show(reading)
    url = server.start()
    try:
        yield server, url
    finally:
        server.stop()


def now() -> datetime:
    """The browser has its own clock: readings are made as of the present."""
    return datetime.now(UTC)


def live(page: Page) -> Page:
    """The page, once it shows a view."""
    page.wait_for_selector("body[data-state=live]")
    return page


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands."""
    page.evaluate(AXE)  # by the debugger, which the page's policy does not bind
    found = page.evaluate("() => axe.run()")
    return [
        f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}"
        for each in found["violations"]
    ]


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("usual", "light"),
        ("usual", "dark"),
        ("unwell", "dark"),
        ("hostile", "light"),
        ("empty", "light"),
    ],
)
def test_axe_finds_nothing(open_page: OpenPage, kind: str, scheme: str) -> None:
    """The page, and a finding opened over it, can be used by everybody, light and dark."""
    with serving_a(READINGS[kind](now())) as (_, url):
        page = live(open_page(url, scheme=scheme))
        assert violations(page) == []
        if kind == "usual":
            page.click("#strip summary")
            page.click("#findings .open-it")
            expect(page.locator("#sheet .command").first).to_be_visible()
            assert violations(page) == []


@pytest.mark.parametrize("kind", READINGS)
def test_a_phone_needs_no_sideways_scrolling(open_page: OpenPage, kind: str) -> None:
    """At 360 pixels everything is there and nothing sticks out."""
    with serving_a(READINGS[kind](now())) as (_, url):
        page = live(open_page(url, width=360))

        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_markup_in_names_stays_text(open_page: OpenPage) -> None:
    """Names are shown as they are; none becomes an element, and no script runs."""
    with serving_a(samples.hostile(now())) as (_, url):
        page = live(open_page(url))
        shown = page.locator("#findings .open-it").all_inner_texts()
        for number in range(len(samples.HOSTILE)):
            page.locator("#findings .open-it").nth(number).click()
            expect(page.locator("#sheet .life li")).to_have_count(2)
            page.keyboard.press("Escape")

        assert samples.HOSTILE[0] in shown
        assert samples.HOSTILE[1] in shown
        foreign = (
            "main img, main script, main a:not([href^='#finding=']), dialog img, dialog script"
        )
        assert page.locator(foreign).count() == 0
        assert "owned" not in page.title()


def test_a_finding_opens_at_its_address_by_keyboard(open_page: OpenPage) -> None:
    """Enter opens it, the copy button copies, Escape and Back close it, and focus is where it was.

    First how bad and how long, then either a group or an exemption. Its address opens it anew.
    """
    with serving_a(samples.usual(now())) as (_, url):
        page = live(open_page(url))
        name = page.locator("#findings .open-it").first
        name.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#sheet-title")).to_have_text("frank.mueller")
        expect(page.locator("#sheet .long")).to_contain_text("In no group for 3 h 12 min")
        expect(page.locator("#sheet .way h3")).to_contain_text(["Either", "Or"])
        command = page.locator("#sheet .way").first.locator(".command").last
        command.locator("button").focus()
        page.keyboard.press("Enter")
        expect(command.locator("button")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        shown = command.locator("code").text_content()  # what is closed may be emptied
        address = page.url
        page.keyboard.press("Escape")
        expect(name).to_be_focused()
        expect(page).to_have_url(url)
        name.click()
        page.go_back()
        expect(page.locator("#sheet")).to_be_hidden()
        expect(page).to_have_url(url)
        linked = open_page(url)
        linked.goto(address)
        linked.reload()

        assert copied == shown
        assert "add-user-to-group" in copied
        expect(linked.locator("#sheet-title")).to_have_text("frank.mueller")
        linked.keyboard.press("Escape")
        expect(linked).to_have_url(url)


def test_a_link_from_another_site_opens_the_page_which_that_site_cannot_read(
    browser: Browser,
) -> None:
    """As from a chat or a wiki, also after a reload; what that site fetches, it does not get."""
    with serving_a(samples.usual(now())) as (server, url), browser.new_context() as context:
        (finding, details), *_ = server.details.items()
        page = context.new_page()
        page.goto("data:text/html,a wiki")
        page.set_content(f'<a href="{url}#finding={quote(finding, safe="")}">look</a>')
        asked = f"fetch('{url}data.json', {{mode: 'no-cors'}}).then(() => 'read', () => 'refused')"
        refused = page.evaluate(asked)
        page.click("a")
        expect(live(page).locator("#sheet-title")).to_have_text(details["user"])
        page.reload()
        expect(live(page).locator("#sheet-title")).to_have_text(details["user"])

        assert refused == "refused"


def test_a_blind_monitor_does_not_look_healthy(open_page: OpenPage) -> None:
    """On a phone the first thing is a banner that says so and why; nothing says Live in green."""
    with serving_a(samples.unwell(now())) as (server, url):
        page = live(open_page(url, width=360))
        banner = page.locator("#banner")
        expect(banner).to_contain_text("The monitor may be blind. Last sweep")
        expect(banner).to_contain_text("Dead letters: 12")
        expect(page.locator("#pulse-text")).to_have_text("Live, monitor not well")
        assert page.evaluate("banner.getBoundingClientRect().top") == 0

        server.published = replace(server.published, read_at=time.time() - 13)
        expect(page.locator("#pulse-text")).to_have_text("Stale")
        expect(banner).to_contain_text("AWS was last read")
        expect(banner).to_contain_text("The monitor may be blind")


def test_what_prints_or_has_colours_forced_keeps_its_shapes(open_page: OpenPage) -> None:
    """The bar, its legend and the severities stay when backgrounds and colours go."""
    with serving_a(samples.usual(now())) as (_, url):
        page = live(open_page(url))
        expect(page.locator("#findings .shape")).to_have_text(["\u25c6", "\u25b2", "\u25a0"])
        page.emulate_media(media="print")
        adjust = "getComputedStyle(document.querySelector('#stack i')).printColorAdjust"
        assert page.evaluate(adjust) == "exact"
        page.emulate_media(media="screen", forced_colors="active")
        swatch = "getComputedStyle(document.querySelector('#tiles dt'), '::before')"
        assert page.evaluate(f"{swatch}.forcedColorAdjust") == "none"


def test_the_chart_tells_its_values_to_keys_and_shows_where_nobody_looked(
    open_page: OpenPage,
) -> None:
    """Five ticks, a labelled end that agrees with the figure beside it, hatching with a legend."""
    with serving_a(samples.usual(now())) as (_, url):
        page = live(open_page(url))
        plot = page.locator(".plot")
        plot.focus()
        page.keyboard.press("Home")
        expect(plot).to_have_attribute("aria-valuetext", re.compile(r"^9\d\.\d % at 2026|^9\d"))
        expect(page.locator("#chart .grid")).to_have_count(5)
        expect(page.locator("#chart .legend")).to_contain_text("no sweep")
        expect(page.locator("#chart .end-label")).to_have_text("98.5 %")
        expect(page.locator("#compliance-now")).to_have_text("98.5 %")


def test_the_server_stops_and_comes_back(open_page: OpenPage) -> None:
    """The page says since when it is stale, keeps what it shows, and goes on by itself."""
    reading = samples.usual(now())
    with serving_a(reading) as (server, url):
        page = live(open_page(url))
        server.stop()
        page.wait_for_selector("body[data-state=lost]")
        expect(page.locator("#banner")).to_contain_text("Stale since")
        expect(page.locator("#findings .open-it")).to_have_count(3)

        server.show(replace(reading, findings=reading.findings[:-1]))
        server.start()

        live(page)
        expect(page.locator("#banner")).to_be_hidden()
        expect(page.locator("#findings .open-it")).to_have_count(2)


def test_an_expired_session_is_said_plainly(open_page: OpenPage) -> None:
    """What is shown stays, under a line that says why it is old and what to do."""
    with serving_a(samples.usual(now())) as (server, url):
        page = live(open_page(url))
        expired = "the AWS session has expired (Query): sign in again, then repeat the command"
        server.published = replace(server.published, error=expired)

        expect(page.locator("#banner")).to_contain_text(expired)
        expect(page.locator("#pulse-text")).to_have_text("Stale")
        expect(page.locator("#findings .open-it")).to_have_count(3)
        assert violations(page) == []


def test_before_the_first_reading_nothing_is_claimed(open_page: OpenPage) -> None:
    """While the account is read no number is shown, and a first failure is told."""
    server = Server()
    url = server.start()
    try:
        page = open_page(url)
        expect(page.locator("#pulse-text")).to_have_text("Reading")
        expect(page.locator("#tiles dd")).to_have_count(0)
        server.published = Published(error="access denied on Query")
        expect(page.locator("#banner")).to_contain_text("access denied on Query")
        expect(page.locator("h1")).to_have_text("Nothing to show yet")
    finally:
        server.stop()


def test_unknown_counts_are_not_zero(open_page: OpenPage) -> None:
    """Where neither users nor a sweep can be read, the page says that it does not know."""
    reading = replace(samples.empty(now()), census=Unread("access denied on users"))
    with serving_a(reading) as (_, url):
        page = live(open_page(url))

        expect(page.locator("#lead")).to_contain_text("not known: access denied on users")
        expect(page.locator("h1")).to_have_text("Users not counted yet")
        expect(page.locator("#tiles dd")).to_have_count(0)


def test_alerts_show_as_they_come_and_open(open_page: OpenPage) -> None:
    """A new alert is listed without reloading, said to screen readers, and opens as text."""
    with serving_a(samples.usual(now())) as (server, url):
        page = live(open_page(url))
        expect(page.locator("#inbox-empty")).to_be_visible()
        server.alerts = (ALERT,)
        expect(page.locator("#inbox .open-it")).to_have_text(ALERT.subject)
        page.click("#inbox .open-it")
        expect(page.locator("#sheet .form")).to_have_text("{}")
        page.keyboard.press("Escape")
        server.alerts = (ALERT, replace(ALERT, subject="second"))

        expect(page.locator("#inbox .open-it")).to_have_text(["second", ALERT.subject])
        expect(page.locator("#said")).to_have_text("New alert: second")


def test_a_storm_changes_only_what_changed(open_page: OpenPage) -> None:
    """Among 500 strays, a new finding leaves every other row as it was."""
    reading = samples.large(now())
    with serving_a(reading) as (server, url):
        page = live(open_page(url))
        expect(page.locator("#page-text")).to_have_text("1 to 25 of 500")
        page.evaluate("document.querySelectorAll('#findings tr').forEach(tr => tr.kept = true)")
        added = samples.finding("new", 999, ago=timedelta(days=9), now=now())
        server.show(replace(reading, findings=(*reading.findings, added)))
        expect(page.locator("#page-text")).to_have_text("1 to 25 of 501")

        kept = "[...document.querySelectorAll('#findings tr')].filter(row => row.kept).length"
        assert page.evaluate(kept) == 25
        nodes = page.evaluate("document.querySelectorAll('*').length")
        assert nodes < 1500


def test_search_order_and_pages(open_page: OpenPage) -> None:
    """Any of 500 strays is found by typing a part of its name; pages go on and back."""
    with serving_a(samples.large(now())) as (_, url):
        page = live(open_page(url))
        page.click("#page-on")
        expect(page.locator("#page-text")).to_have_text("26 to 50 of 500")
        page.fill("#search", "USER-0123")
        expect(page.locator("#findings .open-it")).to_have_text(["user-0123.of-some-team"])
        page.fill("#search", "nobody")
        expect(page.locator("#findings-empty")).to_have_text("No finding matches.")
        page.fill("#search", "")
        page.click("#strip summary")
        for _ in range(7):
            page.click("#graces-more")
        expect(page.locator("#graces li")).to_have_count(400)
        page.select_option("#order", "name")
        expect(page.locator("#findings .open-it").first).to_have_text("user-0000.of-some-team")
        page.click("#show-resolved")
        expect(page.locator("#findings-empty")).to_contain_text("No finding has been resolved")


def test_the_page_needs_nothing_from_outside() -> None:
    """Nothing in the page's files points anywhere but to the page itself."""
    folder = files("straywatch.dashboard") / "static"
    texts = {file.name: file.read_text("utf-8") for file in folder.iterdir()}

    for name, text in texts.items():
        addresses = text.replace("http://www.w3.org/", "")
        assert not re.search(r"https?://\w", addresses), name
        assert "innerHTML" not in text, name
