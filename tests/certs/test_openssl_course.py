import errno
import os
import select
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from certs.errors import CertsError
from certs.openssl_course import Step, run_course

PASSPHRASE = "correct horse ñ"
FILES = {"server-key.key", "server.csr", "server-cert.pem", "server-open.key", "server-cert-san.pem"}


def text(certificate: Path) -> str:
    """The certificate as openssl shows it."""
    command = ["openssl", "x509", "-noout", "-text", "-in", str(certificate)]
    return subprocess.run(command, capture_output=True, timeout=30, text=True, check=True).stdout


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Step]]:
    directory = tmp_path_factory.mktemp("course") / "new"
    before = os.umask(0)
    try:
        return directory, list(run_course(directory, passphrase=PASSPHRASE))
    finally:
        os.umask(before)


def test_the_four_steps_are_the_courses(course: tuple[Path, list[Step]]) -> None:
    commands = [step.command for step in course[1]]
    assert commands[:4] == [
        "openssl genpkey -algorithm RSA -out server-key.key -aes256",
        "openssl req -new -key server-key.key -subj /CN=localhost -out server.csr",
        "openssl x509 -req -days 365 -in server.csr -signkey server-key.key -out server-cert.pem",
        "openssl rsa -in server-key.key -out server-open.key",
    ]
    assert [step.title[:2] for step in course[1]] == ["1.", "2.", "3.", "4.", "5.", "6.", "7."]


def test_the_files_are_there_and_closed_to_others(course: tuple[Path, list[Step]]) -> None:
    directory = course[0]
    assert {path.name for path in directory.iterdir()} == FILES
    assert all(path.stat().st_mode & 0o077 == 0 for path in (directory, *directory.iterdir()))
    assert (directory / "server-key.key").read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert "ENCRYPTED" not in (directory / "server-open.key").read_text()


def test_openssl_sees_the_name_only_in_the_mended_certificate(course: tuple[Path, list[Step]]) -> None:
    directory = course[0]
    assert "Subject Alternative Name" not in text(directory / "server-cert.pem")
    assert "DNS:localhost, IP Address:127.0.0.1" in text(directory / "server-cert-san.pem")


def test_the_first_is_refused_and_the_mended_one_accepted(course: tuple[Path, list[Step]]) -> None:
    refused, accepted = course[1][4].output.splitlines(), course[1][6].output.splitlines()
    assert "refused: " in refused[0]
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in refused[0]
    assert refused[1].endswith("accepted")
    assert "refused: " in refused[2]
    assert [line.split()[-1] for line in accepted[:2]] == ["accepted", "accepted"]


def test_the_strict_line_says_what_a_strict_context_says(course: tuple[Path, list[Step]]) -> None:
    """The oracle is `openssl verify`, which knows the same rules."""
    for name, step in (("server-cert.pem", 4), ("server-cert-san.pem", 6)):
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", name, name],
            cwd=course[0],
            capture_output=True,
            timeout=30,
            check=False,
        )
        strict = course[1][step].output.splitlines()[2]
        if name == "server-cert-san.pem":
            assert strict.endswith("accepted") == (done.returncode == 0)
        else:
            assert not strict.endswith("accepted")


def test_every_step_is_explained_and_the_pass_phrase_given_is_nowhere(course: tuple[Path, list[Step]]) -> None:
    for step in course[1]:
        assert 2 <= step.explanation.count(". ") + 1 <= 5
        assert step.explanation.endswith(".")
        assert PASSPHRASE not in repr(step)
    assert "Certificate request self-signature ok" in course[1][2].output


def test_the_lines_can_be_pasted(tmp_path: Path, course: tuple[Path, list[Step]]) -> None:
    """In an ordinary shell with a terminal, on which openssl asks for the pass phrase."""
    outputs = [paste(step.command, tmp_path) for step in course[1]]
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert "DNS:localhost" in text(tmp_path / "server-cert-san.pem")
    assert "pass phrase" in outputs[0]
    assert outputs[4].splitlines() == course[1][4].output.splitlines()
    assert outputs[6].splitlines() == course[1][6].output.splitlines()


def paste(command: str, directory: Path) -> str:
    """Run one line with sh on a terminal of its own, typing the pass phrase whenever it is asked for."""
    ours, theirs = os.openpty()
    # A session leader without a terminal gets the first one that it opens (credentials(7)): openssl asks on /dev/tty.
    shell = ["sh", "-c", ': <"$0"; eval "$1"', os.ttyname(theirs), command]
    try:
        process = subprocess.Popen(
            shell, cwd=directory, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
    finally:
        os.close(theirs)
    seen, asked = "", 0
    try:
        while select.select([ours], [], [], 60)[0]:
            try:
                data = os.read(ours, 4096)
            except OSError as error:
                if error.errno != errno.EIO:  # which is how Linux tells that nobody has the terminal open any more
                    raise
                break
            if not data:
                break
            seen += data.decode(errors="replace")
            prompts = seen.count("pass phrase:") + seen.count("pass phrase for server-key.key:")
            os.write(ours, f"{PASSPHRASE}\n".encode() * (prompts - asked))
            asked = prompts
        assert process.wait(timeout=60) == 0, seen
    finally:
        os.close(ours)
        process.kill()
        process.wait()
    return seen


def test_a_pass_phrase_of_its_own_is_told_and_opens_the_key(tmp_path: Path) -> None:
    first = next(run_course(tmp_path))
    passphrase = first.explanation.rstrip(".").split()[-1]
    command = ["openssl", "pkey", "-in", "server-key.key", "-passin", f"pass:{passphrase}", "-noout"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=30, check=True)
    # A step is yielded when it has run, and the next has not.
    assert [path.name for path in tmp_path.iterdir()] == ["server-key.key"]


@pytest.mark.parametrize("passphrase", ["", "abc", "with\nnewline", "with\0nul", "\udc80lone", "x" * 201])
def test_pass_phrases_that_will_not_do(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(CertsError, match="4 to 200 printable characters"):
        run_course(tmp_path, passphrase=passphrase)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")  # dangling, and still in the way
    with pytest.raises(CertsError, match=f"already holds {name}"):
        run_course(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_no_openssl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CertsError, match="install the package openssl"):
        run_course(tmp_path)


def test_a_place_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CertsError, match="choose another directory"):
        run_course(tmp_path / "file")


def test_a_step_that_fails_passes_on_what_openssl_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSSL_CONF", str(tmp_path / "missing.cnf"))
    with pytest.raises(CertsError, match=r"'openssl \w+' failed \(.*[Nn]o such file"):
        list(run_course(tmp_path / "new"))


def test_a_program_that_does_not_start_or_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "openssl"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", str(program.parent))
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    with pytest.raises(CertsError, match="could not be started"):
        list(run_course(tmp_path / "a"))
    shutil.copy("/bin/false", program)
    with pytest.raises(CertsError, match=r"failed \(it said nothing\)"):
        list(run_course(tmp_path / "b"))


def test_files_that_make_no_handshake_are_told(tmp_path: Path) -> None:
    steps = run_course(tmp_path)
    for _ in range(4):
        next(steps)
    (tmp_path / "server-open.key").write_text("torn")
    with pytest.raises(CertsError, match="No handshake over loopback is possible") as caught:
        next(steps)
    assert isinstance(caught.value.__cause__, ssl.SSLError)
