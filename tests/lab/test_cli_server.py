"""What `lab server` refuses and warns of; tests/lab/demo/test_chat_commands.py runs it for real."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli import main
from tests.lab.demo.conftest import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.clean_up()


def served(lab: Lab, *options: str) -> str:
    """Run the server until it says that it serves; return what it printed."""
    process = lab.start("server", "--plain-port=0", "--tls-port=0", f"--certs={lab.certs}", *options)
    assert process.stdout is not None
    said = ""
    while "Ctrl-C stops both" not in said:
        line = process.stdout.readline().decode()
        assert line, process.communicate()
        said += line
    process.send_signal(signal.SIGTERM)
    done = lab.end(process)
    assert done.status == 0
    return said + done.out


def test_the_log_of_words_is_announced(lab: Lab) -> None:
    assert "LOG: everything that is said" in served(lab, "--log-texts")


def test_without_bind_there_is_nothing_to_warn_of(lab: Lab) -> None:
    said = served(lab)
    assert "WARNING" not in said
    assert "!help says what else there is" in said


def test_where_certificates_are_asked_for_it_says_how_to_get_one(lab: Lab) -> None:
    said = served(lab, "--client-certificates")
    assert f"-cert {lab.certs}/clients/NAME.pem -key {lab.certs}/clients/NAME.key -connect localhost:" in said
    assert "`python -m lab certs --client NAME` makes the two files" in said
    assert "NAME" not in served(lab)


def test_bind_says_what_it_means(lab: Lab) -> None:
    """127.0.0.2 is loopback too, and 0.0.0.0 is every address: neither leaves this machine in a test."""
    assert "127.0.0.2 is loopback: still nobody but this machine can join" in served(lab, "--bind=127.0.0.2")
    said = served(lab, "--bind=0.0.0.0")
    assert "WARNING: with --bind 0.0.0.0 everybody who reaches this machine can come in" in said
    assert "The certificate names localhost only" in said


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--bind=classroom", "classroom is not an IP address: give one of this machine"),
        ("--bind=192.0.2.1", "192.0.2.1 is not an address of this machine"),
        ("--keylog=/no/such/folder/keys", "there is no folder"),
    ],
)
def test_what_cannot_be(capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, said: str) -> None:
    assert main(["server", "--plain-port=0", "--tls-port=0", f"--certs={tmp_path}", option]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err.replace("\n", " ")
