"""The dashboard's server over real HTTP: what it answers, to whom, under which policy."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.alerts import Alert as Published_alert
from chalicelib.domain.findings import AlertType
from chalicelib.messages.body import body_of
from straywatch.alert_path.delivered import Delivered
from straywatch.dashboard.forms import alert_forms, alert_row
from straywatch.dashboard.poller import Poller, Published
from straywatch.dashboard.server import PageContent, serving
from straywatch.terminal.ports import listening_socket
from tests.unit import observed_samples as samples

HOSTILE = Delivered(
    type="opened",
    subject="<script>alert(1)</script>",
    mail="dear </pre><img src=x onerror=alert(1)> {alerts}",
    body={"type": "opened", "finding": {"user_name": "a"}},
    attributes={"severity": "HIGH"},
    raw="{}",
    received_at=0.0,
)
EVERY_PATH = ("/", "/main.js", "/dashboard.css", "/data.json", "/finding.json?id=f1", "/nowhere")


def shown(alerts: tuple[Delivered, ...] | None = (HOSTILE,)) -> PageContent:
    """What a test serves: one version of a view, one finding."""
    published = Published(3, {"findings": []}, time.time())
    return PageContent(
        current=lambda: published,
        finding={"f1": {"id": "f1"}}.get,
        alerts=None if alerts is None else (lambda: alerts),
    )


@pytest.fixture
def address() -> Iterator[str]:
    """Where a page with an inbox of one hostile alert is served."""
    with listening_socket(0) as listener, serving(listener, shown()) as url:
        yield urlsplit(url).netloc


def ask(
    address: str, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, str]:
    """Ask for a path and return the response with its text."""
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response, text


@pytest.mark.parametrize("path", EVERY_PATH)
def test_every_answer_is_under_a_strict_policy(address: str, path: str) -> None:
    """Whatever is asked, nothing may be loaded from elsewhere, framed, sniffed or kept."""
    response, _ = ask(address, path)

    policy = response.getheader("Content-Security-Policy") or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for directive in ("base-uri", "form-action", "frame-ancestors"):
        assert f"{directive} 'none'" in policy
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert response.getheader("Cache-Control") == "no-store"
    assert response.getheader("Cross-Origin-Resource-Policy") == "same-origin"


@pytest.mark.parametrize("path", EVERY_PATH)
def test_another_name_for_this_machine_is_refused(address: str, path: str) -> None:
    """A page from elsewhere cannot read anything through a name that it rebound to 127.0.0.1."""
    for host in ("evil.example", address.partition(":")[0], f"evil.example:{address[-4:]}"):
        response, text = ask(address, path, Host=host)
        assert response.status == 421
        assert "user_name" not in text


def test_this_machines_own_names_are_served(address: str) -> None:
    """127.0.0.1 and localhost, with the port."""
    port = address.rpartition(":")[2]

    assert ask(address, "/", Host=f"localhost:{port}")[0].status == 200
    assert ask(address, "/")[0].status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_page_may_not_ask(address: str, site: str) -> None:
    """A browser says whose page asks; other sites get nothing."""
    assert ask(address, "/data.json", Sec_Fetch_Site=site)[0].status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_in_chat_or_wiki_opens_the_page_and_nothing_else(address: str, site: str) -> None:
    """Whoever follows one gets the empty page; no other site can frame it, or ask for its data."""

    def followed(path: str, dest: str = "document") -> int:
        fetched = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": dest}
        return ask(address, path, **fetched)[0].status

    assert followed("/") == 200
    assert {followed(path) for path in ("/data.json", "/finding.json?id=f1", "/inbox.json")} == {
        403
    }
    assert {followed("/", dest) for dest in ("iframe", "embed", "object", "")} == {403}
    assert "user_name" not in ask(address, "/")[1]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "BREW"])
def test_only_reading_is_possible(address: str, method: str) -> None:
    """Nothing can be changed: every method but GET is refused."""
    assert ask(address, "/data.json", method)[0].status == 405


@pytest.mark.parametrize(
    "path", ["/../etc/passwd", "/..%2fserver.py", "/__init__.py", "/index.html/", "/."]
)
def test_there_is_nothing_else(address: str, path: str) -> None:
    """Only the page's own files can be asked for."""
    assert ask(address, path)[0].status == 404


def test_the_page_gets_only_what_it_lacks(address: str) -> None:
    """A view and alerts that the page has are not sent again; of another server's it has none."""
    first = json.loads(ask(address, "/data.json")[1])
    again = json.loads(ask(address, f"/data.json?seen={first['version']}&alerts=1")[1])
    foreign = json.loads(ask(address, "/data.json?seen=00000000.3&alerts=1")[1])

    assert first["view"] == foreign["view"] == {"findings": []}
    assert again["view"] is None
    assert (first["inbox"]["from"], len(first["inbox"]["alerts"])) == (0, 1)
    assert again["inbox"] == {"from": 1, "alerts": []}
    assert len(foreign["inbox"]["alerts"]) == 1


@pytest.mark.parametrize(
    "query", ["alerts=-1", "alerts=x", "alerts=99999999999999", "alerts=%C2%B2"]
)
def test_odd_numbers_are_no_error(address: str, query: str) -> None:
    """Whatever stands in a query, the answer is whole."""
    assert ask(address, f"/data.json?{query}")[0].status == 200


def test_a_finding_and_an_alert_open(address: str) -> None:
    """Details come when they are asked for; what is not there is not found."""
    assert json.loads(ask(address, "/finding.json?id=f1")[1]) == {"id": "f1"}
    assert ask(address, "/finding.json?id=f2")[0].status == 404
    assert json.loads(ask(address, "/alert.json?n=0")[1])["subject"] == HOSTILE.subject
    assert ask(address, "/alert.json?n=1")[0].status == 404


def test_programs_get_the_inbox_as_json(address: str) -> None:
    """/inbox.json holds every alert with its body."""
    response, text = ask(address, "/inbox.json")

    assert response.getheader("Content-Type") == "application/json; charset=utf-8"
    assert json.loads(text)[0]["body"]["finding"]["user_name"] == "a"


def test_without_a_local_aws_there_is_no_inbox() -> None:
    """The dashboard of a real account has no inbox to show."""
    with listening_socket(0) as listener, serving(listener, shown(None)) as url:
        address = urlsplit(url).netloc
        assert json.loads(ask(address, "/data.json")[1])["inbox"] is None
        assert ask(address, "/inbox.json")[0].status == 404


def test_an_alert_is_shown_in_every_form() -> None:
    """Mail, text message, chat card, page and JSON, each as its reader gets it."""
    finding = samples.usual().findings[0]
    body = body_of(Published_alert(AlertType.OPENED, finding))
    raw = json.dumps(body)
    alert = Delivered("opened", "a subject", "dear reader", body, {}, raw, 0.0, "psst")

    shown = {form["name"]: form for form in alert_forms(alert)}
    forms = {name: form["text"] for name, form in shown.items()}

    assert list(forms) == ["Mail", "SMS", "Chat", "Pager", "Event bus", "JSON"]
    assert forms["Mail"] == "Subject: a subject\n\ndear reader"
    assert forms["SMS"] == "psst"
    assert json.loads(forms["Chat"])["content"]["title"] == shown["Chat"]["title"]
    assert finding.user_name in "".join(shown["Chat"]["lines"])
    assert json.loads(forms["Pager"])["event_action"] == shown["Pager"]["action"] == "trigger"
    assert json.loads(forms["JSON"]) == body


def test_what_only_machines_got_is_marked() -> None:
    """An alert that a digest told people of is in the list, and says so."""
    alert = Delivered("opened", "s", "", {}, {"audience": "machines"}, "{}", 0.0)

    assert alert_row(0, alert)["machines"] is True
    assert alert_row(0, HOSTILE)["machines"] is False


def test_what_is_no_alert_is_shown_as_it_came() -> None:
    """A message of somebody else's has one form: its text."""
    alert = Delivered("", "", "", {}, {}, "plain words", 0.0)

    assert alert_forms(alert) == [{"name": "As it came", "kind": "source", "text": "plain words"}]


def test_a_failure_keeps_the_last_view_and_says_why() -> None:
    """Viewers see what was last read, and that the session has expired."""
    views: list[Mapping[str, Any] | Exception] = [
        {"n": 1},
        ClientError({"Error": {"Code": "ExpiredToken"}}, "Query"),
        {"n": 1},
        KeyError("oh"),
        {"n": 2},
    ]

    def make() -> Mapping[str, Any]:
        found = views.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    poller = Poller(make, 60, clock=lambda: 5.0)
    seen = []
    while views:
        poller.step()
        seen.append(poller.current())

    assert [each.version for each in seen] == [1, 1, 1, 1, 2]
    assert seen[3].error == "a mistake in straywatch: KeyError('oh')"
    assert seen[1].view == {"n": 1}
    assert "session has expired" in seen[1].error
    assert seen[2].error == ""
