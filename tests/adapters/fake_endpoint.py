"""An endpoint on 127.0.0.1 that answers AWS calls with whatever a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

from straywatch.terminal.ports import HttpServer

Answer = tuple[int, str]


def error(status: int, code: str, message: str = "no") -> Answer:
    """A refusal as AWS's query protocol writes it."""
    said = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return status, f"<ErrorResponse>{said}<RequestId>r</RequestId></ErrorResponse>"


def identity(account: str = "123456789012") -> Answer:
    """The answer to GetCallerIdentity."""
    arn = f"arn:aws:iam::{account}:user/auditor"
    return result("GetCallerIdentity", f"<Arn>{arn}</Arn><Account>{account}</Account>")


def result(action: str, inner: str) -> Answer:
    """A successful answer to `action`."""
    body = f"<{action}Result>{inner}</{action}Result>"
    return 200, f"<{action}Response>{body}</{action}Response>"


def users(*details: str, marker: str = "") -> Answer:
    """A page of users, for GetAccountAuthorizationDetails."""
    more = f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>" if marker else ""
    more = more or "<IsTruncated>false</IsTruncated>"
    listed = "".join(f"<member>{each}</member>" for each in details)
    inner = f"{more}<UserDetailList>{listed}</UserDetailList>"
    return result("GetAccountAuthorizationDetails", inner)


def user(name: str, *groups: str) -> str:
    """One user of such a page."""
    listed = "".join(f"<member>{group}</member>" for group in groups)
    return (
        f"<UserId>AIDA{name.encode().hex():0>16}</UserId><UserName>{name}</UserName><Path>/</Path>"
        f"<Arn>arn:aws:iam::123456789012:user/{name}</Arn>"
        f"<CreateDate>2026-01-01T00:00:00Z</CreateDate><GroupList>{listed}</GroupList>"
    )


class _Server(HttpServer):
    """Waits for its answers to be out when it closes."""

    daemon_threads = False


@contextmanager
def serving(respond: Callable[[str, dict[str, str]], Answer]) -> Iterator[str]:
    """Serve `respond(action, parameters)`; yields the endpoint's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            fields = parse_qs(self.rfile.read(length).decode())
            sent = {key: values[0] for key, values in fields.items()}
            status, body = respond(sent.get("Action", ""), sent)
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
