"""Every command against broken answers, environments and files: one line, never a traceback.

    python -m tests.adapters.fuzz            what `make test` runs: each break somewhere, seconds
    python -m tests.adapters.fuzz --all      each break of each kind of call that a command makes:
                                             half an hour on a busy machine, most of it
                                             the doctor's; tells on stderr how far it is
    python -m tests.adapters.fuzz --only audit   the same for the commands that begin so

Runs in a process of its own, in which no call is tried twice, and ends with 1 if a rule is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice, product
from pathlib import Path

_PATIENCE = 20.0
"""Seconds after which a command counts as hung; all take one or two."""

_QUICKLY = [1, 2]
"""The calls of each command that are broken where all would take too long."""

_BARE = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "STRAYWATCH_CONFIG": os.devnull,
}
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]
os.environ |= _BARE

import boto3  # noqa: E402 - the sessions module reads the environment as it is imported
import botocore.session  # noqa: E402
from moto import mock_aws  # noqa: E402

from straywatch.cli import run  # noqa: E402
from straywatch.deploy.template import assemble  # noqa: E402
from tests.adapters.broken_answers import BREAKS, RAW, Breaker, raw_endpoint  # noqa: E402

# Each command makes a session, which reads AWS's service models from disk: once is enough here.
botocore.session.create_loader = cache(botocore.session.create_loader)

_READ = (
    '{"Version": "2012-10-17", "Statement": '
    '{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}'
)
FINDING = "aws:123456789012:AIDAEXAMPLEEXAMPLE1:1"
_FIRST_CALL = ("audit --history", "dashboard", "deploy", "replay", "watch")
"""Commands that, once their first call is answered, serve for ever, pack for seconds, or ask for
what moto does not have."""

_LOOKS_AGAIN = ("apply", "least-privilege", "undo")
"""Commands that try again what was cut off, and look in the end whether all is as it should be.
Where one answer alone is broken, moto has done the deed all the same."""

_EMPTY = "an empty object"
_TRUE_ANSWERS = {("ReceiveMessage", _EMPTY), ("GetQueueAttributes", _EMPTY)}
"""How a queue without messages answers; of the other call only the time of its answer is read."""

COMMANDS = (
    "audit",
    "audit --history --role arn:aws:iam::123456789012:role/audit",
    "doctor",
    "sweep",
    "test-alert",
    "findings list",
    "findings list --state all --format json",
    f"findings show {FINDING}",
    "check ann",
    "dashboard --port 0",
    "watch",
    "report --from 2026-01-01 --to 2026-01-31",
    "org status",
    "org enable",
    "org template",
    "org disable --yes",
    "exemptions show",
    "exemptions put GOOD",
    "redrive",
    "redrive --yes",
    "replay --from-account --days 1",
    "plan",
    "apply PLAN --yes --detach-direct --settle 0 --journal TRACE",
    "undo TRACE --settle 0",
    "verify PLAN",
    "least-privilege",
    "destroy --yes",
    "deploy --email you@example.com --yes",
)
"""Every command that asks AWS; words in capitals are files that are there."""

ENVIRONMENTS: dict[str, dict[str, str]] = {
    "an endpoint without a scheme": {"AWS_ENDPOINT_URL": "localhost:4566"},
    "an endpoint that is a word": {"AWS_ENDPOINT_URL": "local"},
    "a port too high": {"AWS_ENDPOINT_URL": "http://127.0.0.1:99999"},
    "a port that is a word": {"AWS_ENDPOINT_URL": "http://127.0.0.1:web"},
    "a broken address": {"AWS_ENDPOINT_URL": "http://[::1"},
    "an address with a blank": {"AWS_ENDPOINT_URL": "http://no where"},
    "another scheme": {"AWS_ENDPOINT_URL": "ftp://127.0.0.1"},
    "an empty host": {"AWS_ENDPOINT_URL": "http://"},
    "a region of nonsense": {"AWS_REGION": "us east/1"},
    "an unknown profile": {"AWS_PROFILE": "nobody"},
    "a proxy of nonsense": {"HTTPS_PROXY": "::", "HTTP_PROXY": "::"},
    "a bundle that is not there": {"AWS_CA_BUNDLE": "/nowhere.pem"},
    "an unknown retry mode": {"AWS_RETRY_MODE": "bogus"},
    "unknown defaults": {"AWS_DEFAULTS_MODE": "bogus"},
    "a word for a switch": {"AWS_USE_FIPS_ENDPOINT": "perhaps"},
    "a token file that is not there": {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r",
    },
    "credentials from nonsense": {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "nonsense",
    },
    "half of the credentials": {"AWS_SECRET_ACCESS_KEY": ""},
    "a process that prints no JSON": {"AWS_ACCESS_KEY_ID": "", "AWS_CONFIG_FILE": "PROSE"},
    "a process that fails": {"AWS_ACCESS_KEY_ID": "", "AWS_CONFIG_FILE": "FAILS"},
    "a process that is not there": {"AWS_ACCESS_KEY_ID": "", "AWS_CONFIG_FILE": "ABSENT"},
    "a process that prints a list": {"AWS_ACCESS_KEY_ID": "", "AWS_CONFIG_FILE": "LIST"},
    "a config file of nonsense": {"AWS_CONFIG_FILE": "JUNK"},
    "no config file but a folder": {"AWS_CONFIG_FILE": "/"},
    "settings of nonsense": {"STRAYWATCH_CONFIG": "JUNK"},
    "settings in a folder": {"STRAYWATCH_CONFIG": "/"},
}
"""Surroundings in which no command can work; words in capitals are files that are there."""

JUNK: dict[str, bytes] = {
    "nothing": b"",
    "bytes": bytes(range(256)),
    "deep JSON": b"[" * 200_000,
    "deep YAML": b"- " * 5_000,
    "half JSON": b'{"version": 1, "exemp',
    "null": b"null",
    "a list": b"[]",
    "a number": b"1e400",
    "an object": b"{}",
    "other kinds": b'{"version": 1, "schema": 7, "exemptions": {"a": [null]}, "Records": [[[]]]}',
    "YAML aliases": b"a: &a [*a]\n",
    "half a gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab",
    "a page": b"<html><body>no</body></html>",
}
FILE_COMMANDS = (
    "exemptions check JUNK",
    "exemptions put JUNK",
    "audit --exemptions JUNK",
    "check ann --exemptions JUNK",
    "replay JUNK",
    "apply JUNK",
    "apply JUNK --print cli",
    "verify JUNK",
    "undo JUNK",
    "report --verify JUNK",
)

_FILES = {
    "GOOD": '{"version": 1, "exemptions": []}',
    "JUNK": "\x00 [[[ not = an ini",
    "PROSE": "[default]\ncredential_process = echo Welcome to the company\n",
    "FAILS": "[default]\ncredential_process = false\n",
    "ABSENT": "[default]\ncredential_process = /nowhere/at/all\n",
    "LIST": "[default]\ncredential_process = echo [1]\n",
}


_MADE = ("PLAN", "TRACE")
"""A plan for the account on moto, and the journal of it."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float

    def broken_rule(self, codes: tuple[int, ...]) -> str:
        """The rule that it breaks; empty if it breaks none."""
        if self.code == -1:
            return f"hung for {self.seconds:.0f} s"
        if self.code not in codes:
            return f"exit code {self.code}"
        if "Traceback" in self.err or "unforeseen" in self.err:
            return "nobody thought of it"
        told = [line for line in self.err.splitlines() if line.startswith("straywatch: ")]
        if self.code in (2, 3) and not told:
            return "does not say why"
        if any(len(line) > 900 for line in self.err.splitlines()):
            return "a line that nobody reads"
        return ""


class Hung(BaseException):
    """It takes too long; no Exception, so that nothing on the way takes it for a failure."""


def _stop(*_: object) -> None:
    raise Hung


signal.signal(signal.SIGALRM, _stop)


def play(typed: str, folder: Path, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a command in this process, with its files in `folder`, and with more environment."""
    words = [_filled(word, folder) for word in typed.split()]
    more = {name: _filled(value, folder) for name, value in (environment or {}).items()}
    out, err, begun = io.StringIO(), io.StringIO(), time.monotonic()
    before = dict(os.environ)
    os.environ.update({name: value for name, value in more.items() if value})
    for name in (name for name, value in more.items() if not value):
        os.environ.pop(name, None)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
            code = run(words)
    except Hung:
        code = -1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.environ.clear()
        os.environ.update(before)
    return Ended(code, out.getvalue(), err.getvalue(), time.monotonic() - begun)


def _filled(word: str, folder: Path) -> str:
    return str(folder / word) if word in {*_FILES, *_MADE} else word


@contextmanager
def account(folder: Path) -> Iterator[None]:
    """Something of each kind on moto, and a plan for it in the folder."""
    template = assemble()
    kept = ("AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::SNS::Topic")
    resources = {
        name: {"Type": each["Type"]} | _plain(each)
        for name, each in template["Resources"].items()
        if each["Type"] in kept and "Condition" not in each
    }
    outputs = {
        name: {
            "Value": each["Value"] if _is_kept(each["Value"], resources) else f"straywatch-{name}"
        }
        for name, each in template["Outputs"].items()
        if "Condition" not in each and name != "Version"
    }
    outputs["ConfigParameterName"] = {"Value": "/straywatch/config"}
    with mock_aws():
        body = json.dumps({"Resources": resources, "Outputs": outputs})
        stacks = boto3.client("cloudformation")
        stacks.create_stack(StackName="straywatch", TemplateBody=body)
        told = stacks.describe_stacks()["Stacks"][0]["Outputs"]
        urls = {output["OutputKey"]: output["OutputValue"] for output in told}
        boto3.client("sqs").send_message(QueueUrl=urls["DeadLetterQueueUrl"], MessageBody="[")
        for name in ("ann", "bob"):
            boto3.client("iam").create_user(UserName=name)
            boto3.client("iam").put_user_policy(
                UserName=name, PolicyName="own", PolicyDocument=_READ
            )
        boto3.client("ssm").put_parameter(Name="/straywatch/config", Value="{}", Type="String")
        play("plan --no-credential-report --output PLAN", folder)
        yield


def _known(value: object, resources: Mapping[str, object]) -> Mapping[str, str] | None:
    """The reference to one of the resources."""
    return value if isinstance(value, dict) and value.get("Ref") in resources else None


def _is_kept(value: object, resources: Mapping[str, object]) -> bool:
    return isinstance(value, dict) and value.get("Ref") in resources


def _plain(resource: Mapping[str, object]) -> dict[str, object]:
    """A table needs its keys; what else the template says is not what this is about."""
    properties = resource.get("Properties")
    if resource["Type"] != "AWS::DynamoDB::Table" or not isinstance(properties, dict):
        return {}
    kept = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    return {"Properties": {key: properties[key] for key in kept if key in properties}}


def _broken_somewhere(breaker: Breaker, folder: Path) -> Iterator[str]:
    """Breaks a call or two of each command, each in another way."""
    some = cycle(BREAKS)
    for command in COMMANDS:
        for nth in _QUICKLY[:1] if command.startswith(_FIRST_CALL) else _QUICKLY:
            yield from _broken(command, nth, next(some), breaker, folder, alone=nth > 1)


def _broken_everywhere(breaker: Breaker, folder: Path, only: str) -> Iterator[str]:
    """Breaks each kind of call of each command in every way: that one, or all after it, too."""
    for command in (each for each in COMMANDS if each.startswith(only)):
        begun, runs = time.monotonic(), 0
        calls = _calls(command, breaker, folder)
        with account(folder):
            for nth, how in product(calls, BREAKS):
                runs += 1
                alone = nth > 1 and runs % 2 == 0
                yield from _broken(command, nth, how, breaker, folder, alone=alone)
            breaker.rest()
        sys.stderr.write(f"{time.monotonic() - begun:6.1f} s {runs:4} runs  {command}\n")


def _broken(
    command: str, nth: int, how: str, breaker: Breaker, folder: Path, *, alone: bool
) -> Iterator[str]:
    _afresh(command, breaker, folder)
    breaker.prepare(nth, how, once=alone)
    ended = play(command, folder)
    recovers = (0,) if alone and command.startswith(_LOOKS_AGAIN) else ()
    rule = ended.broken_rule((1, 2, 3, *recovers) if nth > 1 else (3,))
    is_asked = len(breaker.asked) >= nth
    name = breaker.asked[nth - 1].split(".")[-1] if is_asked else ""
    if rule and is_asked and (name, how) not in _TRUE_ANSWERS:
        which = f"{how} {'at' if alone else 'from'} call {nth}, {name}"
        yield f"{command}: {which}: {rule}: {ended.err[-300:]}"
    breaker.rest()


def _calls(command: str, breaker: Breaker, folder: Path) -> list[int]:
    """The calls of a command that are the first of their kind, and its last one."""
    if command.startswith(_FIRST_CALL):
        return [1]
    with account(folder):
        _afresh(command, breaker, folder)
        play(command, folder)
        asked = breaker.asked
    return sorted({asked.index(kind) + 1 for kind in asked} | {len(asked)})


def _afresh(command: str, breaker: Breaker, folder: Path) -> None:
    """Undo what was applied before, or apply what is to be undone."""
    breaker.rest()
    trace, name = folder / "TRACE", command.split(maxsplit=1)[0]
    if name in ("apply", "undo"):
        if trace.exists():
            play("undo TRACE --settle 0", folder)
            trace.unlink()
        if name == "undo":
            play(next(each for each in COMMANDS if each.startswith("apply")), folder)
    breaker.rest()


def _broken_surroundings(folder: Path) -> Iterator[str]:
    commands = cycle(COMMANDS)
    for name, environment in ENVIRONMENTS.items():
        for command in islice(commands, 2):
            ended = play(command, folder, environment)
            if rule := ended.broken_rule((2, 3)):
                yield f"{command}: {name}: {rule}: {ended.err[-300:]}"


def _broken_wires(folder: Path) -> Iterator[str]:
    commands = cycle(COMMANDS)
    for name, answer in RAW.items():
        with raw_endpoint(answer, pause=0.002) as endpoint:
            for command in islice(commands, 2):
                ended = play(command, folder, {"AWS_ENDPOINT_URL": endpoint})
                if rule := ended.broken_rule((3,)):
                    yield f"{command}: {name}: {rule}: {ended.err[-300:]}"


def _broken_files(folder: Path) -> Iterator[str]:
    for name, content in JUNK.items():
        (folder / "JUNK").write_bytes(content)
        for command in FILE_COMMANDS:
            ended = play(command, folder)
            if rule := ended.broken_rule((0, 1, 2, 3)):
                yield f"{command}: {name}: {rule}: {ended.err[-300:]}"


def _violations(folder: Path, *, everything: bool, only: str) -> Iterator[str]:
    for file, content in _FILES.items():
        (folder / file).write_text(content)
    if not only:
        yield from _broken_surroundings(folder)
        yield from _broken_wires(folder)
    breaker = Breaker()
    if everything or only:
        yield from _broken_everywhere(breaker, folder, only)
    if only:
        return
    with account(folder):
        if not everything:
            yield from _broken_somewhere(breaker, folder)
        yield from _broken_files(folder)


def main() -> int:
    """Break all there is; say which rules were broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--all", action="store_true", help="each break of each kind of call: half an hour"
    )
    parser.add_argument("--only", default="", help="so those commands alone that begin with this")
    chosen = parser.parse_args()
    begun, violations = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        for said in _violations(Path(folder), everything=chosen.all, only=chosen.only):
            violations += 1
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
    sys.stdout.write(f"violations {violations}, in {time.monotonic() - begun:.1f} s\n")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
