"""The real page over the real application on the embedded AWS: one stray's whole story."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from straywatch.dashboard.server import serving
from straywatch.dashboard.source import DeploymentSource, shown
from straywatch.observing.reader import LOCAL
from straywatch.terminal.ports import listening_socket
from tests.browser.conftest import OpenPage
from tests.e2e.local_stack import LocalStack


@contextmanager
def polled(stack: LocalStack) -> Iterator[None]:
    """Keep the inbox filled, as `straywatch local` does."""
    over = threading.Event()

    def poll() -> None:
        while not over.is_set():
            stack.inbox.poll()

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_stray_appears_is_alerted_and_resolved(stack: LocalStack, open_page: OpenPage) -> None:
    """Its grace runs down, the alert shows as readers get it, and the end of it shows, too."""
    source = DeploymentSource(lambda: stack.session, None, LOCAL)
    name = stack.name("<b>stray</b>".replace("<", "=").replace(">", "=").replace("/", "."))
    group = stack.name("nurses")
    with (
        polled(stack),
        listening_socket(0) as listener,
        shown(source, 0.3, alerts=lambda: tuple(stack.inbox.alerts)) as what,
        serving(listener, what) as url,
    ):
        page = open_page(url)
        page.wait_for_selector("body[data-state=live]")
        stack.iam.create_group(GroupName=group)
        stack.iam.create_user(UserName=name)

        grace = page.locator("#graces li", has_text=name)
        expect(grace).to_be_attached()
        expect(page.locator("#findings .open-it", has_text=name)).to_be_visible()
        expect(grace).to_have_count(0)
        opened = page.locator("#inbox .open-it", has_text=f"{name} in no group").first
        opened.click()
        expect(page.locator("#sheet .letter .form")).to_contain_text("is in no group")
        page.click("role=tab[name=Chat]")
        expect(page.locator("#sheet .chat-card")).to_contain_text(name)
        page.click("role=tab[name=Pager]")
        expect(page.locator("#sheet .incident .badge")).to_contain_text("Triggered")
        page.click("#sheet .source summary")
        expect(page.locator("#sheet .form")).to_contain_text('"event_action": "trigger"')
        page.keyboard.press("Escape")

        stack.iam.add_user_to_group(UserName=name, GroupName=group)

        expect(page.locator("#inbox .open-it", has_text="[RESOLVED]").first).to_be_visible()
        expect(page.locator("#findings .open-it", has_text=name)).to_have_count(0)
        page.click("#show-resolved")
        page.locator("#findings .open-it", has_text=name).click()
        expect(page.locator("#sheet .life li")).to_have_count(3)
        expect(page.locator("#sheet .life")).to_contain_text(f"resolved: joined {group}")
