import json
import shutil
from pathlib import Path

import pytest

from capture.keylog import read_keylog
from capture.secrets import save
from lab.cli import main

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")


def run(
    capsys: pytest.CaptureFixture[str], name: str, *options: str, keys: str | Path | None = ""
) -> tuple[int, str, str]:
    """Run `lab decrypt` on a shipped capture; return its status, and what it printed and complained."""
    keylog = () if keys is None else ("--keylog", str(keys or DATA / f"{name}.keys.txt"))
    status = main(["decrypt", str(DATA / f"{name}.pcapng"), *keylog, "--reader", "native", *options])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "tls13")
    assert (status, err) == (0, "")
    assert "“anna > hello, who is here?\\x0a”" in out
    assert "EXPAND_ONLY" not in out
    for line in (DATA / "tls13.keys.txt").read_text().splitlines():
        assert line.startswith("#") or line.split()[2] not in out


def test_one_record_from_its_secret_on(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "tls13", "--record", "4", "--side", "client")
    assert (status, err) == (0, "")
    assert out.count("Record 4 of the client") == 1
    assert "of the server" not in out
    assert "CLIENT_TRAFFIC_SECRET_0 in the key log" in out
    assert "EXPAND_ONLY" in out
    assert "“hello, who is here?\\x0a”" in out


def test_steps_of_one_side(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "tls12", "--steps", "--side", "server")
    assert (status, err) == (0, "")
    assert "of the client" not in out.replace("sequence number", "")
    assert "server_write_key" in out
    assert out.count("Record ") == 12


def test_one_connection_of_several(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "tls13-early", "--connection", "1")
    assert status == 0
    assert "Connection 1" in out
    assert "Connection 0" not in out
    status, out, err = run(capsys, "tls13-early", "--connection", "7")
    assert (status, out) == (1, "")
    assert err == "There is no TLS connection 7 in the capture: it has 0, 1.\n"
    status, out, err = run(capsys, "tls13-early", "--record", "99")
    assert (status, out) == (1, "")
    assert "There is no record 99 there" in err


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "tls13", "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    (connection,) = told["connections"]
    assert any(bytes.fromhex(record["plaintext"]) == b"hello, who is here?\n" for record in connection["records"])
    assert "keys" not in connection
    status, out, err = run(capsys, "tls13", "--json", "--record", "4", "--side", "client")
    (connection,) = json.loads(out)["connections"]
    assert [record["sequence"] for record in connection["records"]] == [1]
    assert len(connection["keys"]) == 1


def test_a_wrong_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    keys = tmp_path / "wrong.keys"
    lines = [line.split() for line in (DATA / "tls13.keys.txt").read_text().splitlines() if not line.startswith("#")]
    turned = [(a, b, f"{int(c[0], 16) ^ 1:x}{c[1:]}" if a == "SERVER_TRAFFIC_SECRET_0" else c) for a, b, c in lines]
    keys.write_text("\n".join(map(" ".join, turned)))
    status, out, err = run(capsys, "tls13", keys=keys)
    assert status == 1
    assert err == (
        "Connection 0: The key log has keys for this connection, but they do not open record 6 of the server "
        "(frame 11, bytes 66-320): the key log or the capture was changed. Nothing is given out of that record, nor of "
        "those after it.\n"
    )
    assert "Certificate Verify" in out
    assert "anna > hello" not in out
    status, out, err = run(capsys, "tls13", "--json", keys=keys)
    assert status == 1
    (connection,) = json.loads(out)["connections"]
    assert [record["record"] for record in connection["records"] if record["failed"]] == [6]
    closed = [r for r in connection["records"] if r["from"] == "server" and r["record"] >= 6]
    assert {record["plaintext"] for record in closed} == {None}


def test_keys_of_another_session(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "tls12", keys=DATA / "tls13.keys.txt")
    assert status == 1
    assert "The key log has no keys for a connection of this capture" in err
    assert "closed" in out
    assert "anna" not in out


def test_keys_that_the_capture_carries(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, err = run(capsys, "tls13", keys=None)
    assert (status, out) == (1, "")
    assert "carries no keys: give the key log of the session with --keylog." in err
    carrying = tmp_path / "carrying.pcapng"
    save(DATA / "tls13.pcapng", carrying, read_keylog(DATA / "tls13.keys.txt"), "native")
    assert main(["decrypt", str(carrying), "--reader", "native"]) == 0
    out = capsys.readouterr().out
    assert "“anna > hello, who is here?\\x0a”" in out
    assert "The keys came from the capture itself" in " ".join(out.split())


@pytest.mark.parametrize("content", [b"", b"no capture at all"])
def test_files_that_are_no_captures_and_no_key_logs(
    content: bytes, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    for arguments in (
        [str(file)],
        [str(file), "--keylog", str(DATA / "tls13.keys.txt")],
        [str(DATA / "tls13.pcapng"), "--keylog", str(file)],
        [str(tmp_path / "none")],
    ):
        assert main(["decrypt", *arguments, "--reader", "native"]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1


def test_wrong_words(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--side", "nobody"], ["--record", "-1"], ["--connection", "x"]):
        assert main(["decrypt", str(DATA / "tls13.pcapng"), *words]) == 2
        assert "python -m lab --help" in capsys.readouterr().err


def test_every_reader_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    pages = set()
    for reader in ("native", "scapy", *(["tshark"] if shutil.which("tshark") else [])):
        assert main([
            "decrypt", str(DATA / "tls13.pcapng"), "--keylog", str(DATA / "tls13.keys.txt"), "--reader", reader,
        ]) == 0  # fmt: skip
        pages.add(capsys.readouterr().out)
    assert len(pages) == 1
