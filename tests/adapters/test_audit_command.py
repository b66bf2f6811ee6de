"""`straywatch audit` as a person or a script runs it: what it prints, and its exit code."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from straywatch import __version__
from straywatch.cli import main
from tests.adapters.fake_endpoint import Answer, error, identity, result, serving, user, users

Aws = Callable[..., str]

MIA, STAN, CI = user("mia", "staff"), user("stan"), user("ci-robot")


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Ended]


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment without any credentials of this machine."""
    return {
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }


@pytest.fixture
def run(
    nowhere: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command line as its script does, in this process."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)

    def start(*arguments: str, **environment: str) -> Ended:
        for name, value in {**nowhere, **environment}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Ended(left.value.code, said.out, said.err)

    return start


@pytest.fixture
def aws() -> Iterator[Aws]:
    """Start an endpoint with these answers by action; an action may answer in turns."""
    with ExitStack() as servers:

        def start(**answers: Any) -> str:
            turns: dict[str, Iterator[Answer]] = {
                action: iter(given) for action, given in answers.items() if isinstance(given, list)
            }

            def respond(action: str, _: dict[str, str]) -> Answer:
                if action in turns:
                    return next(turns[action])
                if action == "GetCallerIdentity" and action not in answers:
                    return identity()
                answer: Answer = answers.get(action, error(403, "AccessDenied"))
                return answer

            return servers.enter_context(serving(respond))

        yield start


def keys(endpoint: str) -> dict[str, str]:
    """An environment with credentials for `endpoint`, and, on purpose, without a region."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }


def one_line(text: str) -> bool:
    """Whether this is one clear line without a traceback."""
    return text.count("\n") == 1 and text.startswith("straywatch: ") and "Traceback" not in text


def test_a_clean_account_is_fine(run: Run, aws: Aws) -> None:
    """Nobody is a stray: exit 0, the table, one summary, and nothing on stderr."""
    ended = run("audit", **keys(aws(GetAccountAuthorizationDetails=users(MIA))))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "1 user in 1 account: 0 strays, 0 exempt, 1 in groups." in ended.stdout
    assert "\x1b" not in ended.stdout


def test_strays_are_exit_code_1(run: Run, aws: Aws) -> None:
    """A stray is found: exit 1, and it stands first."""
    endpoint = aws(GetAccountAuthorizationDetails=users(MIA, STAN))
    ended = run("audit", "--no-risk", **keys(endpoint))
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[1].startswith("stray")


def test_exemptions_come_from_a_file(run: Run, aws: Aws, tmp_path: Path) -> None:
    """An exempt user is not applicable, and an account with exempt users only is fine."""
    rules = tmp_path / "rules.json"
    rules.write_text('{"version": 1, "exemptions": [{"name": "CI-*", "reason": "robots"}]}')
    endpoint = aws(GetAccountAuthorizationDetails=users(CI))
    ended = run("audit", "--format", "json", "--exemptions", str(rules), **keys(endpoint))
    assert ended.returncode == 0
    found = json.loads(ended.stdout)["users"][0]
    assert (found["evaluation"], found["exemption"]["reason"]) == ("NOT_APPLICABLE", "robots")


@pytest.mark.parametrize(
    ("fail_on", "code"), [("never", 0), ("stray", 1), ("low", 1), ("medium", 0), ("critical", 0)]
)
def test_fail_on_sets_from_where_it_is_a_failure(
    run: Run, aws: Aws, fail_on: str, code: int
) -> None:
    """A stray of low severity fails a build only where low ones shall."""
    report = "user,user_creation_time,password_enabled,mfa_active,access_key_1_active,"
    report += "access_key_2_active\nstan,2026-01-01T00:00:00Z,false,false,false,false\n"
    content = f"<Content>{base64.b64encode(report.encode()).decode()}</Content>"
    content += "<GeneratedTime>2026-11-23T00:00:00Z</GeneratedTime>"
    endpoint = aws(
        GetAccountAuthorizationDetails=users(STAN),
        GenerateCredentialReport=result("GenerateCredentialReport", "<State>COMPLETE</State>"),
        GetCredentialReport=result("GetCredentialReport", content),
    )
    ended = run("audit", "--fail-on", fail_on, **keys(endpoint))
    assert "stray LOW" in ended.stdout
    assert ended.returncode == code


def test_an_account_read_in_part_is_exit_code_3_whatever_is_asked(run: Run, aws: Aws) -> None:
    """A page that is denied: what was seen is shown, what is missing is said, and it fails."""
    pages = [users(MIA, marker="m"), error(403, "AccessDenied", "explicit deny")]
    endpoint = aws(GetAccountAuthorizationDetails=pages)
    ended = run("audit", "--format", "json", "--fail-on", "never", **keys(endpoint))
    assert ended.returncode == 3
    assert json.loads(ended.stdout)["complete"] is False
    assert one_line(ended.stderr)
    assert "users after the first 1: access denied" in ended.stderr


def test_a_page_that_breaks_is_exit_code_3(run: Run, aws: Aws) -> None:
    """Half a page of XML is an incomplete account, not a short one."""
    status, whole = users(MIA, STAN)
    endpoint = aws(GetAccountAuthorizationDetails=(status, whole[: len(whole) // 2]))
    ended = run("audit", **keys(endpoint))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert one_line(ended.stderr)


def test_a_report_goes_to_a_file_in_the_format_of_its_ending(
    run: Run, aws: Aws, tmp_path: Path
) -> None:
    """`--output strays.csv` is CSV; the summary goes to stderr, so that stdout stays empty."""
    target = tmp_path / "strays.csv"
    endpoint = aws(GetAccountAuthorizationDetails=users(MIA))
    ended = run("audit", "--output", str(target), **keys(endpoint))
    assert (ended.returncode, ended.stdout) == (0, "")
    assert next(csv.DictReader(io.StringIO(target.read_text())))["user_name"] == "mia"
    assert f"Written to {target}" in ended.stderr


def test_several_profiles_are_audited_at_once(run: Run, aws: Aws, tmp_path: Path) -> None:
    """Each profile's account is in the one report; one that does not sign in is missing."""
    first = aws(GetAccountAuthorizationDetails=users(MIA))
    second = aws(
        GetCallerIdentity=identity("210987654321"), GetAccountAuthorizationDetails=users(STAN)
    )
    refused = aws(GetCallerIdentity=error(403, "ExpiredToken"))
    profile = "[profile {}]\nendpoint_url = {}\naws_access_key_id = x\naws_secret_access_key = x\n"
    endpoints = {"one": first, "two": second, "old": refused}
    text = "".join(profile.format(name, url) for name, url in endpoints.items())
    (tmp_path / "config").write_text(text)
    chosen = [f"--profile={name}" for name in endpoints]
    ended = run("audit", "--format=json", "--no-risk", *chosen)
    found = json.loads(ended.stdout)
    assert ended.returncode == 3
    assert [each["account_id"] for each in found["accounts"]] == [
        "123456789012",
        "210987654321",
        None,
    ]
    assert [each["user_name"] for each in found["users"]] == ["stan", "mia"]
    assert "profile old: all users: the AWS session has expired" in ended.stderr


def test_a_role_is_assumed(run: Run, aws: Aws) -> None:
    """The account behind a role is audited with the role's own credentials."""
    granted = "<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    granted += "<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    endpoint = aws(
        AssumeRole=result("AssumeRole", f"<Credentials>{granted}</Credentials>"),
        GetCallerIdentity=identity("210987654321"),
        GetAccountAuthorizationDetails=users(MIA),
    )
    role = "arn:aws:iam::210987654321:role/audit"
    ended = run("audit", "--format=json", "--role", role, **keys(endpoint))
    account = json.loads(ended.stdout)["accounts"][0]
    assert (account["account_id"], account["source"]) == ("210987654321", f"role {role}")


def test_two_ways_into_one_account_are_one_account(run: Run, aws: Aws, tmp_path: Path) -> None:
    """No user is counted twice."""
    url = aws(GetAccountAuthorizationDetails=users(MIA))
    text = f"endpoint_url = {url}\naws_access_key_id = x\naws_secret_access_key = x\n"
    (tmp_path / "config").write_text(f"[profile a]\n{text}[profile b]\n{text}")
    ended = run("audit", "--format=json", "--profile=a", "--profile=b")
    assert json.loads(ended.stdout)["counts"]["users"] == 1


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


WRONG_USES: dict[str, tuple[list[str], int, str]] = {
    "unknown flag": (["--colour"], 2, "No such option"),
    "unknown format": (["--format", "xml"], 2, "xml"),
    "unreadable file": (["--exemptions", "none.json"], 2, "none.json"),
    "no folder for the output": (["--output", "no/such/folder"], 2, "make it first"),
    "a role that is no ARN": (["--role", "admin"], 2, "ARN of a role"),
    "severity without risk": (["--no-risk", "--fail-on", "high"], 2, "--no-risk"),
    "an extra word": (["prod"], 2, "prod"),
    "no credentials": ([], 3, "no AWS credentials found"),
    "unknown profile": (["--profile", "nobody"], 3, "nobody"),
}


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG_USES.values(), ids=WRONG_USES.keys())
def test_wrong_use_is_one_line_and_the_right_code(
    run: Run, arguments: list[str], code: int, said: str
) -> None:
    """Every wrong use says in one line what is wrong; nothing is printed as if it were a result."""
    ended = run("audit", *arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert one_line(ended.stderr), ended.stderr
    assert said in ended.stderr


REFUSALS = {
    "expired token": ("ExpiredToken", "has expired"),
    "unknown key": ("InvalidClientTokenId", "does not accept these credentials"),
    "access denied": ("AccessDenied", "access denied on GetCallerIdentity"),
}


@pytest.mark.parametrize(("code", "said"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_sign_in_is_one_line_and_exit_code_3(
    run: Run, aws: Aws, code: str, said: str
) -> None:
    """Credentials that AWS refuses are told apart, and end as "could not complete"."""
    ended = run("audit", **keys(aws(GetCallerIdentity=error(403, code))))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert one_line(ended.stderr)
    assert said in ended.stderr


def test_denied_reading_is_one_line_and_exit_code_3(run: Run, aws: Aws) -> None:
    """Without the one permission that is needed there is no report, and the line names the call."""
    ended = run("audit", **keys(aws()))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert one_line(ended.stderr)
    assert "access denied on GetAccountAuthorizationDetails" in ended.stderr


def test_an_endpoint_where_nobody_listens_is_said_at_once(run: Run) -> None:
    """A wrong AWS_ENDPOINT_URL is one line, not a minute of retries."""
    ended = run("audit", **keys(f"http://127.0.0.1:{free_port()}"))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert one_line(ended.stderr)
    assert "AWS_ENDPOINT_URL" in ended.stderr


def test_an_endpoint_that_is_not_aws_is_said(run: Run, aws: Aws) -> None:
    """A web page where AWS should be is one line, not a traceback."""
    ended = run("audit", **keys(aws(GetCallerIdentity=(200, "<html><body>hi"))))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert one_line(ended.stderr)


def test_a_broken_configuration_is_refused_with_every_fault(
    run: Run, aws: Aws, tmp_path: Path
) -> None:
    """Faulty exemptions stop the audit before it begins: exit 2, all faults in the line."""
    rules = tmp_path / "rules.json"
    rules.write_text('{"version": 1, "exemptions": [{"name": "a"}, {"path": "b", "reason": "c"}]}')
    ended = run("audit", "--exemptions", str(rules), **keys(aws()))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert one_line(ended.stderr)
    assert "exemptions[0].reason" in ended.stderr
    assert "exemptions[1].path" in ended.stderr


def test_a_reader_that_leaves_early_causes_no_traceback(nowhere: dict[str, str], aws: Aws) -> None:
    """`straywatch audit | head` ends quietly."""
    endpoint = aws(GetAccountAuthorizationDetails=users(*[user(f"u{n}", "g") for n in range(3000)]))
    command = [sys.executable, "-m", "straywatch", "audit", "--format", "json"]
    with subprocess.Popen(
        command,
        env={**os.environ, **nowhere, **keys(endpoint)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


def test_the_version_is_told(run: Run) -> None:
    """`straywatch --version` prints one line that a script can read."""
    ended = run("--version")
    assert (ended.returncode, ended.stdout) == (0, f"straywatch {__version__}\n")


@pytest.mark.parametrize(
    ("command", "example"),
    [
        ("audit", "straywatch audit --profile prod --fail-on high\n"),
        ("completion", 'eval "$(straywatch completion bash)"'),
    ],
)
def test_help_has_examples_and_needs_no_credentials(run: Run, command: str, example: str) -> None:
    """A newcomer reads how to use it without being set up."""
    ended = run(command, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert example in ended.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(run: Run, shell: str) -> None:
    """The script is for this shell and this command."""
    ended = run("completion", shell)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "_STRAYWATCH_COMPLETE" in ended.stdout


def test_completion_completes_options(run: Run) -> None:
    """What the script asks for is answered: the options of audit."""
    ended = run(
        COMP_WORDS="straywatch audit --fo", COMP_CWORD="2", _STRAYWATCH_COMPLETE="bash_complete"
    )
    assert ended.stdout == "plain,--format\n"


def test_completion_of_an_unknown_shell_is_wrong_use(run: Run) -> None:
    """Only the three shells are offered."""
    ended = run("completion", "csh")
    assert ended.returncode == 2
    assert one_line(ended.stderr)
