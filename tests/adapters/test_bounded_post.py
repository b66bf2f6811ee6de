"""A post is over in time, whatever its receiver does, and goes to nobody else."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from chalicelib.adapters.bounded_post import Answer, post
from chalicelib.times import utc_now
from straywatch.local.emulator.sns_signing import new_signer
from straywatch.local.receivers.http_endpoint import EndpointResponse, serving

SECONDS = 0.5
STEPS = 40
"""Of a tenth of a second each: a receiver that dawdles is done at last, in eight times SECONDS."""
WHOLE = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def dawdling(answer: bytes, slowly: int) -> Iterator[str]:
    """Serve one connection: the answer, of which the last `slowly` bytes come one by one."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(answer[: len(answer) - slowly])
                    for byte in answer[len(answer) - slowly :]:
                        time.sleep(SECONDS * 8 / STEPS)
                        connection.sendall(bytes([byte]))
                except OSError:
                    return  # the caller has gone

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v2"
        thread.join()


def test_returns_what_was_answered() -> None:
    """Status, headers by their names in small letters, and the body."""
    with dawdling(WHOLE, 0) as url:
        assert post(url, b"{}", {}, 5.0) == Answer(202, {"content-length": "2"}, b"{}")


@pytest.mark.parametrize(
    ("answer", "slowly"),
    [
        (WHOLE, STEPS),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 40\r\n\r\n" + b"x" * STEPS, STEPS),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 4 + WHOLE, STEPS),
    ],
    ids=["headers", "body", "promises"],
)
def test_a_dripping_answer_is_cut_off(answer: bytes, slowly: int) -> None:
    """Each byte comes soon enough; all together they would hold the on-call engineer's page."""
    with dawdling(answer, slowly) as url, pytest.raises(TimeoutError):
        post(url, b"{}", {}, SECONDS)


def test_a_receiver_that_never_answers_is_given_up() -> None:
    """It accepts the connection, and that is all."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TimeoutError):
        post(f"http://127.0.0.1:{server.getsockname()[1]}", b"{}", {}, SECONDS)


def test_an_https_address_that_never_shakes_hands_is_given_up() -> None:
    """The handshake takes from the same time."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TimeoutError):
        post(f"https://127.0.0.1:{server.getsockname()[1]}", b"{}", {}, SECONDS)


def test_no_time_is_no_attempt() -> None:
    """Nothing is sent after the deadline."""
    seen: list[bytes] = []

    def take(_: object, body: bytes) -> EndpointResponse:
        seen.append(body)
        return EndpointResponse(202)

    with serving(take) as address, pytest.raises(TimeoutError):
        post(address, b"{}", {}, 0.0)
    assert seen == []


@pytest.mark.parametrize("answer", [b"", b"not HTTP\r\n\r\n"])
def test_what_is_no_answer_is_raised(answer: bytes) -> None:
    """A connection that breaks, or another protocol: the caller learns that nobody answered."""
    with dawdling(answer, 0) as url, pytest.raises((OSError, HTTPException)):
        post(url, b"{}", {}, 5.0)


def test_a_long_answer_is_not_read_to_its_end() -> None:
    """An address that is not the right one may send a film."""

    def take(_headers: object, _body: bytes) -> EndpointResponse:
        return EndpointResponse(200, b"x" * 1_000_000)

    with serving(take) as address:
        assert len(post(address, b"{}", {}, 5.0).body) == 64 * 1024


def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    """The body holds a key: it goes to the named host alone, by a certificate that is valid."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    got.append(secured.recv(1000))
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(ssl.SSLCertVerificationError):
            post(f"https://127.0.0.1:{server.getsockname()[1]}", b"secret", {}, 5.0)
        thread.join()
    assert got == []


@contextmanager
def proxying(answer: bytes, asked: list[bytes]) -> Iterator[str]:
    """Serve one connection as a proxy does: take what it is asked, answer, and hang up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(answer)
                asked.append(connection.recv(65536))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_goes_through_the_proxy_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A function in a VPC reaches PagerDuty by one; the proxy sees TLS, and no key."""
    asked: list[bytes] = []
    with proxying(b"HTTP/1.1 200 Connection established\r\n\r\n", asked) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(OSError, match=r"."):
            post("https://pager.example/v2", b"secret", {}, 5.0)
    assert asked[0].startswith(b"CONNECT pager.example:443 HTTP/1.1\r\n")
    assert asked[1][:1] == b"\x16"  # a TLS handshake
    assert not any(b"secret" in each for each in asked)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No\r\n\r\n", b"hello\r\n\r\n"])
def test_a_proxy_that_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    """Nothing is sent to whom the proxy did not connect."""
    asked: list[bytes] = []
    with proxying(answer, asked) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(HTTPException, match="the proxy answered"):
            post("https://pager.example/v2", b"secret", {}, 5.0)
    assert asked[1:] == [b""]


def test_some_hosts_need_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY names them; what is on this machine by plain HTTP never needs one."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TimeoutError):
        post(f"https://127.0.0.1:{server.getsockname()[1]}", b"{}", {}, SECONDS)
    with dawdling(WHOLE, 0) as url:
        assert post(url, b"{}", {}, 5.0).status == 202


def _self_signed(folder: Path) -> Path:
    """A key and a certificate of nobody's authority, in one file."""
    signer = new_signer("", utc_now)
    key = signer.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(key + signer.certificate)
    return path
