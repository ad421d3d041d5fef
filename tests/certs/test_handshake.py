import subprocess
import sys
from pathlib import Path

import pytest

from certs import handshake
from certs.handshake import Answer, ask_clients, main, table


def make(directory: Path, *options: str) -> tuple[Path, Path]:
    """A self-signed certificate made by openssl, and its key."""
    certificate, key = directory / "cert.pem", directory / "open.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "9", "-keyout", str(key), "-out", str(certificate), *options),
        ],
        capture_output=True,
        timeout=30,
        check=True,
    )
    return certificate, key


def test_all_accept_a_certificate_for_the_name(tmp_path: Path) -> None:
    pair = make(tmp_path, "-subj", "/CN=whatever", "-addext", "subjectAltName=DNS:localhost")
    assert [answer.refusal for answer in ask_clients(*pair)] == [None, None, None]


def test_the_common_name_counts_for_one_client_only(tmp_path: Path) -> None:
    by_names, by_common_name, strict = ask_clients(*make(tmp_path, "-subj", "/CN=localhost"))
    assert by_names.refusal is not None
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in by_names.refusal
    assert by_common_name.refusal is None
    assert strict.refusal is not None


def test_none_accepts_a_certificate_for_another_name(tmp_path: Path) -> None:
    pair = make(tmp_path, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:chat.test")
    assert all("Hostname mismatch" in (answer.refusal or "") for answer in ask_clients(*pair))
    assert [answer.refusal for answer in ask_clients(*pair, name="chat.test")] == [None, None, None]


def test_only_the_strict_client_minds_a_signer_that_does_not_say_it_is_a_ca(tmp_path: Path) -> None:
    settings = tmp_path / "settings.cnf"
    settings.write_text(
        "[req]\ndistinguished_name=name\nx509_extensions=extensions\n[name]\n"
        "[extensions]\nsubjectAltName=DNS:localhost\nkeyUsage=digitalSignature,keyCertSign\n"
    )
    answers = ask_clients(*make(tmp_path, "-config", str(settings), "-subj", "/CN=x"))
    assert [answer.refusal is None for answer in answers] == [True, True, False]
    assert "invalid CA certificate" in (answers[2].refusal or "")


def test_table_sets_answers_in_columns() -> None:
    assert table([Answer("a", None), Answer("long", "why")]) == "a     accepted\nlong  refused: why"


def test_main_prints_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = make(tmp_path, "-subj", "/CN=localhost")
    assert main([str(path) for path in pair]) == 0
    assert capsys.readouterr().out == table(ask_clients(*pair)) + "\n"


def test_main_says_in_one_line_that_a_file_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "a.pem"), str(tmp_path / "a.key")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "No such file" in said.err
    assert said.err.count("\n") == 1


def test_it_runs_as_a_program_from_anywhere(tmp_path: Path) -> None:
    make(tmp_path, "-subj", "/CN=x", "-addext", "subjectAltName=DNS:localhost")
    done = subprocess.run(
        [sys.executable, str(handshake.__file__), "cert.pem", "open.key"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        timeout=60,
        text=True,
        check=True,
    )
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["accepted"] * 3
