"""The inbox page over real HTTP on this machine."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from straywatch.local.channels import Delivery
from straywatch.local.emulator import listening_socket
from straywatch.local.inbox import Alert
from straywatch.local.page import serving_page

HOSTILE = Alert(
    type="opened",
    subject="<script>alert(1)</script>",
    mail="dear </pre><img src=x onerror=alert(1)> {alerts}",
    body={"type": "opened", "finding": {"user_name": "a"}},
    attributes={},
    raw="{}",
    received_at=0.0,
)


@pytest.fixture
def address() -> Iterator[str]:
    """Where a page with one hostile alert is served."""
    with listening_socket(0) as listener, serving_page(listener, lambda: (HOSTILE,)) as url:
        yield urlsplit(url).netloc


def get(address: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, str]:
    """Ask for a path and return the response with its text."""
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response, response.read().decode()


def test_the_page_shows_alerts_as_text(address: str) -> None:
    """Whatever an alert contains, the browser sees text, under a policy that runs nothing."""
    response, page = get(address, "/")

    assert response.status == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<img" not in page
    assert "{alerts}" in page
    assert (response.getheader("Content-Security-Policy") or "").startswith("default-src 'none'")
    assert response.getheader("X-Content-Type-Options") == "nosniff"


def test_programs_get_the_same_as_json(address: str) -> None:
    """/inbox.json holds every alert with its body."""
    response, text = get(address, "/inbox.json")

    assert response.getheader("Content-Type") == "application/json; charset=utf-8"
    assert json.loads(text)[0]["body"]["finding"]["user_name"] == "a"


def test_another_name_for_this_machine_is_refused(address: str) -> None:
    """A page from elsewhere cannot read the inbox through a name that it rebound to 127.0.0.1."""
    response, text = get(address, "/inbox.json", Host="evil.example")

    assert response.status == 421
    assert "user_name" not in text


def test_there_is_nothing_else(address: str) -> None:
    """No other path answers."""
    assert get(address, "/../etc/passwd")[0].status == 404


def test_the_other_channels_are_shown_as_text() -> None:
    """What a pager or a chat shows holds other people's text, too."""
    got = Delivery("chat", "<b>title</b>", "</pre><script>")
    with listening_socket(0) as listener, serving_page(listener, tuple, lambda: (got,)) as url:
        netloc = urlsplit(url).netloc
        _, page = get(netloc, "/")
        _, text = get(netloc, "/channels.json")
    assert "chat: &lt;b&gt;title&lt;/b&gt;" in page
    assert "<script>" not in page
    assert json.loads(text) == [{"channel": "chat", "title": got.title, "text": got.text}]
