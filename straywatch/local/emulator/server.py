"""The emulator's own process: ministack with the bridge around it, until its parent lets go.

Run as `python -m straywatch.local.emulator.server FD`, where FD is a listening socket. It ends on
SIGTERM, or when its standard input closes: a parent that was killed cannot leave it behind.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from straywatch.local.bridge.calls import Calls
from straywatch.local.bridge.delivery import HELD_AT_MOST, Deliveries
from straywatch.local.bridge.exchange import Message, Receive, Send, access_key_of
from straywatch.local.bridge.layer import Bridge, Emulator
from straywatch.local.bridge.limits import Refusal, refusal
from straywatch.local.bridge.records import Caller
from straywatch.local.emulator import (
    condition_gaps,
    iam_gaps,
    iam_lag,
    iam_pages,
    organization,
    parameter_gaps,
    permissions,
    recursion,
    rule_targets,
    seams,
    topic_gaps,
)
from straywatch.local.emulator.control import Control
from straywatch.local.emulator.iam_lag import Lag
from straywatch.local.emulator.iam_pages import Pages
from straywatch.local.emulator.mails import Mail
from straywatch.local.emulator.security_hub import ACTION, PATH, SecurityHub, served
from straywatch.local.emulator.sns_signing import new_signer

_GRACE_SECONDS = 1.0
_POLL_SECONDS = 0.1
_AT_ONCE = 4
"""How many functions run at a time: each is a process, and two cores are all there may be."""
_CERTIFICATE = "http://127.0.0.1:{port}/_straywatch/sns.pem"
_DENIALS = {"sns": "KMSAccessDenied", "securityhub": "AccessDeniedException"}


def bridged(loop: asyncio.AbstractEventLoop) -> Bridge:
    """Mend the emulator from inside and build the bridge around it. Raises SeamError."""
    seams.verify()
    iam_gaps.install()
    topic_gaps.install()
    condition_gaps.install()
    recursion.install()
    parameter_gaps.install()
    rule_targets.install()
    organization.install()
    lag, pages = Lag(), Pages()
    iam_pages.install(pages)
    iam_lag.install(lag)
    seams.take_turns(_AT_ONCE)
    seams.retry_rule_deliveries()
    seams.retry_topic_deliveries()
    signer = new_signer(_CERTIFICATE.format(port=os.environ["GATEWAY_PORT"]), _now)
    seams.sign_topic_deliveries(signer.signed)
    hub = SecurityHub()
    mail: deque[Mail] = deque(maxlen=HELD_AT_MOST)
    seams.keep_mail(mail.append)
    deliveries = Deliveries(put=seams.put_event, later=loop.call_later, new_id=seams.new_id)
    calls, journal = Calls(), deque[dict[str, object]](maxlen=HELD_AT_MOST)
    unlike: deque[str] = deque(maxlen=HELD_AT_MOST)
    permissions.install(calls.ask)
    return Bridge(
        emulator=Emulator(
            served(_application, hub, _account_of),
            _action_of,
            seams.caller_of,
            partial(_refusals, calls),
        ),
        deliveries=deliveries,
        calls=calls,
        control=Control(
            deliveries=deliveries,
            calls=calls,
            journal=journal,
            unlike=unlike,
            mail=mail,
            security_hub=hub,
            certificate=signer.certificate,
            hand_over_delayed=seams.hand_over_delayed,
            lag=lag,
            pages=pages,
        ),
        now=_now,
        new_id=seams.new_id,
        journal=journal,
        unlike=unlike,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _action_of(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
) -> str | None:
    """Name the action, also of a service that the emulator does not have."""
    return ACTION if path == PATH else seams.action_of(method, path, headers, body, query)


async def _application(scope: Message, receive: Receive, send: Send) -> None:
    recursion.note(scope)
    await seams.application(scope, receive, send)


def _account_of(scope: Message) -> str:
    caller = seams.caller_of(access_key_of(scope))
    return caller.account_id if caller else ""


def _refusals(
    calls: Calls, caller: Caller, action: str, parameters: Mapping[str, Any]
) -> Sequence[Refusal]:
    for need in permissions.missing_key_access(caller, action, parameters, calls.ask):
        code = _DENIALS.get(action.split(":", maxsplit=1)[0], "KMS.AccessDeniedException")
        reason = f"is not authorized to perform: {need.action} on resource: {need.resource_arn}"
        return [Refusal(code, f"User: {caller.arn} {reason}")]
    return refusal(action, parameters)


async def _wake_pollers() -> None:
    while True:
        seams.wake_pollers()
        await asyncio.sleep(_POLL_SECONDS)


async def _run(listening_fd: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    threading.Thread(target=_watch_parent, args=(loop, stop), daemon=True).start()
    config = Config()
    config.bind = [f"fd://{listening_fd}"]
    config.keep_alive_timeout = 75  # as ministack's own server sets it, for SDK connection pools
    config.graceful_timeout = _GRACE_SECONDS
    config.loglevel = "WARNING"
    application: Any = bridged(loop)  # hypercorn types its messages more closely than ASGI does
    waking = asyncio.create_task(_wake_pollers())
    await serve(application, config, shutdown_trigger=stop.wait)
    waking.cancel()
    seams.stop_functions()
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    # Functions that still answer sit in worker threads, which a normal exit would wait for.
    os._exit(0)


def _watch_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    sys.stdin.buffer.read()
    loop.call_soon_threadsafe(stop.set)


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)  # the functions see what is deployed, not this project
    try:
        asyncio.run(_run(int(sys.argv[1])))
    except seams.SeamError as error:
        sys.exit(str(error))
