import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.errors import LabError
from lab.folder import RunFolder
from lab.scenario import Join, Say
from lab.scenarios.keys.matrix import KINDS, RSA, Matrix, Means
from lab.scenarios.keys.scenario import CA, CERTIFICATE, KEY, SCENARIO, make_certificates, refusal, run
from tests.lab.scenarios.conftest import Lab, MakeSetting
from tests.lab.scenarios.keys.conftest import Ran

SHORT = (Join("anna"), Join("bob"), Say("anna", "hello, is anybody here?"), Say("bob", "sí, aquí estoy"))
ECDHE, OTHERS = KINDS[1], KINDS[1:]
UNKNOWN = replace(RSA, cipher="NO-SUCH-SUITE")


def counts(matrix: Matrix) -> list[list[int]]:
    return [[row.cells[means].verdict.read for means in Means] for row in matrix.rows]


def test_the_matrix_of_the_textbook(ran: Ran) -> None:
    judgement = SCENARIO.judge(ran.matrix)
    assert judgement.ok, judgement
    assert counts(ran.matrix) == [[0, 12, 12], [0, 0, 12], [0, 0, 12], [0, 0, 12]]
    assert dict(judgement.answers) == {
        "stolen": "only TLS 1.2 with RSA",
        "keylog": "all four",
        "cipher": "no, the same keys open both",
    }
    for question in SCENARIO.questions:
        assert judgement.answers[question.key] in question.options
    assert judgement.counters.received > 0


def test_what_stays_in_the_folder(ran: Ran) -> None:
    folder = ran.folder
    for path in (folder.path / KEY, folder.keylog):
        assert path.stat().st_mode & 0o777 == 0o600
    holders = [path.name for path in folder.path.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    assert holders == [KEY], "the CA's key stays nowhere"
    told = json.loads(folder.transcript.read_text())
    assert list(told) == [kind.name for kind in KINDS]
    assert {tuple((m["who"], m["text"]) for m in sent) for sent in told.values()} == {
        tuple((m.who, m.text) for m in ran.matrix.rows[0].sent)
    }, "the same conversation each time"


def test_one_certificate_and_the_suites_asked_for(ran: Ran, tool: Callable[[str], str]) -> None:
    certificate = x509.load_pem_x509_certificate((ran.folder.path / CERTIFICATE).read_bytes())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate((ran.folder.path / CA).read_bytes()))
    der = certificate.public_bytes(Encoding.DER).hex()
    fields = ("tcp.srcport", "tls.handshake.ciphersuite", "tls.handshake.certificate")
    command = [tool("tshark"), "-n", "-r", str(ran.folder.capture), "-Y", "tls.handshake.type == 2", "-Tfields"]
    command += [f"-dtcp.port=={row.port},tls" for row in ran.matrix.rows] + [f"-e{field}" for field in fields]
    shown: dict[int, set[tuple[int, str]]] = {}
    for line in subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines():
        port, suite, chain = line.split("\t")
        shown.setdefault(int(port), set()).add((int(suite, 16), chain))
    # in TLS 1.3 the certificate is encrypted
    suites, chains = (0x009C, 0xC02F, 0x1302, 0x1303), (der, der, "", "")
    rows = zip(ran.matrix.rows, suites, chains, strict=True)
    assert shown == {row.port: {(suite, chain)} for row, suite, chain in rows}


def test_where_openssl_does_not_know_the_suite_a_recording_stands_in(make_setting: MakeSetting) -> None:
    setting = make_setting("keys", steps=SHORT)
    matrix = run(setting, (UNKNOWN, *OTHERS))
    judgement = SCENARIO.judge(matrix)
    assert judgement.ok, judgement
    assert counts(matrix) == [[0, 12, 12], [0, 0, 2], [0, 0, 2], [0, 0, 2]]
    row = matrix.rows[0]
    assert row.files.capture == setting.folder.path / "recording.pcapng"
    assert "does not do NO-SUCH-SUITE here (No cipher can be selected)" in (row.recorded or "")
    assert all("a recording: frames of recording.pcapng" in claim.what for claim in judgement.claims[:3])
    assert not any("recording" in claim.what for claim in judgement.claims[3:])
    assert judgement.details["sessions"][0]["recorded"] == row.recorded
    assert judgement.answers["stolen"] == "only TLS 1.2 with RSA"


def test_a_server_that_is_not_what_it_should_be_turns_the_verdict(make_setting: MakeSetting) -> None:
    """RSA key exchange where forward secrecy was promised, and the other way round."""
    swapped = (replace(RSA, cipher=ECDHE.cipher), replace(ECDHE, cipher=RSA.cipher), *KINDS[2:])
    matrix = run(make_setting("keys", steps=SHORT), swapped)
    assert counts(matrix) == [[0, 0, 2], [0, 2, 2], [0, 0, 2], [0, 0, 2]]
    judgement = SCENARIO.judge(matrix)
    assert not judgement.ok
    assert [claim.ok for claim in judgement.claims] == [True, False, True, True, False, True, *[True] * 6]
    assert "Nothing was encrypted to the server's key: the key exchange is ECDHE_RSA" in judgement.claims[1].measured
    assert judgement.answers["stolen"] == "another selection"
    assert [problem.partition(":")[0] for problem in judgement.problems] == ["TLS 1.2, RSA", "TLS 1.2, ECDHE"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_this_openssl_does(kind: object, tmp_path: Path) -> None:
    make_certificates(RunFolder(tmp_path))
    assert refusal(tmp_path, next(known for known in KINDS if known is kind)) is None
    assert {path.name for path in tmp_path.iterdir()} == {CA, CERTIFICATE, KEY}, "no key log of a mere question"


def test_what_this_openssl_does_not_do(tmp_path: Path) -> None:
    make_certificates(RunFolder(tmp_path))
    assert "does not do NO-SUCH-SUITE here" in (refusal(tmp_path, UNKNOWN) or "")
    # this one is known, and does not go with an RSA certificate: the handshake fails
    other = replace(RSA, cipher="ECDHE-ECDSA-AES128-GCM-SHA256")
    assert "no shared cipher" in (refusal(tmp_path, other) or "")


@pytest.mark.parametrize("cipher", ["NO-SUCH-SUITE", "ECDHE-ECDSA-AES128-GCM-SHA256"])
def test_another_session_that_cannot_be_run_is_an_error(cipher: str, make_setting: MakeSetting) -> None:
    """Only RSA key exchange has a recording to stand in for it."""
    with pytest.raises(
        LabError, match=rf"The session TLS 1\.2, ECDHE cannot be run: .* does not do {cipher} here .*\."
    ):
        run(make_setting("keys", steps=SHORT), (RSA, replace(ECDHE, cipher=cipher), *KINDS[2:]))


def test_certificates_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"ca\.pem cannot be written: No such file or directory\."):
        make_certificates(RunFolder(tmp_path / "nowhere"))
    make_certificates(RunFolder(tmp_path))
    with pytest.raises(LabError, match="File exists"):
        make_certificates(RunFolder(tmp_path))


def test_with_own_words(lab: Lab, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("anna > ¿me oyes?\nbob > [red]yes[/red], loud and clear\n")
    done = lab.run("scenario", "keys", f"--keep={lab.keep}", f"--messages={words}")
    assert (done.status, done.err) == (0, "")
    assert "12 of 12 claims came out as the textbook has them." in done.out
    folder = lab.run_folder()
    verdict = json.loads((folder / "verdict.json").read_text())
    assert [session["read"] for session in verdict["sessions"]] == [
        {"nothing": 0, "the server's private key": stolen, "the key log": 2} for stolen in (2, 0, 0, 0)
    ]
    assert not list(folder.glob("*.cnf"))
