"""The recorded run: its bits against tshark's bytes; and the flip by hand on ciphers that notice and that do not."""

import subprocess
from collections.abc import Callable

import pytest

from lab.notebook.errors import CellError
from lab.notebook.live import Run
from lab.notebook.tampering import bits, flip, frames, grid
from lab.scenarios.codecs import AesCtrReused, AesGcm, Codec, RepeatingXor
from lab.scenarios.tamper.changes import Tampering, Transport
from tests.lab.notebook.recorded import recorded

KEY = bytes(range(16))


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded("tamper", tmp_path_factory.mktemp("tamper"))


def test_grid_says_who_notices(changed: Run) -> None:
    rows = {row[0]: dict(zip(Transport, row[1:], strict=True)) for row in grid(changed.verdict)}
    assert list(rows) == list(Tampering)
    assert set(rows[Tampering.NONE].values()) == {"as it was sent"}
    for tampering in (Tampering.FLIP, Tampering.REPLAY, Tampering.DROP, Tampering.SWAP):
        assert "✘ nobody notices" in rows[tampering][Transport.PLAIN]
        assert "✘ nobody notices" in rows[tampering][Transport.XOR]
        assert "✔ refused, alert in frame " in rows[tampering][Transport.TLS_1_2]
        assert "✔ refused, alert in frame " in rows[tampering][Transport.TLS_1_3]
    assert "close_notify does not arrive" in rows[Tampering.CUT][Transport.TLS_1_3]


def test_refusals_are_alerts_where_tshark_sees_them(changed: Run, tool: Callable[[str], str]) -> None:
    command = [tool("tshark"), "-r", str(changed.capture), "-o", f"tls.keylog_file:{changed.keylog}"]
    command += ["-Y", "tls.alert_message.desc == 20", "-Tfields", "-e", "frame.number"]
    ran = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60)
    alerts = {int(number) for number in ran.stdout.split()}
    told = [cell for row in grid(changed.verdict) for cell in row if "✔" in cell]
    assert len(told) == 8
    assert {int(cell.rpartition(" ")[2]) for cell in told} <= alerts


def test_bits_differ_in_one_and_stand_where_tshark_has_them(changed: Run, tool: Callable[[str], str]) -> None:
    rows = bits(changed)
    command = [tool("tshark"), "-r", str(changed.capture), "-Tfields", "-e", "frame.number", "-e", "tcp.payload"]
    ran = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60)
    payloads = {
        int(number): bytes.fromhex(data) for number, data in (line.split("\t") for line in ran.stdout.splitlines())
    }
    headers = 66  # Ethernet, IPv4 and TCP with time stamps, on loopback
    for sent, arrived in zip(rows[::2], rows[1::2], strict=True):
        assert sent[0] == arrived[0]
        assert (int(sent[3], 2) ^ int(arrived[3], 2)).bit_count() == 1
        assert len(sent[2]) == len(arrived[2])
        for _, where, around, value, _ in (sent, arrived):
            frame, byte = (int(part.split()[1]) for part in where.split(", "))
            assert frame in frames(changed.verdict, sent[0])
            assert payloads[frame][byte - headers] == int(value, 2)
            assert around in payloads[frame]
    assert [row[4].split()[0] for row in rows[1::2]] == ["✘", "✘", "✔", "✔"]


@pytest.mark.parametrize("cipher", [lambda: RepeatingXor(KEY), lambda: AesCtrReused(KEY, KEY)], ids=["XOR", "AES-CTR"])
def test_a_flip_goes_through_where_nothing_checks(cipher: Callable[[], Codec]) -> None:
    sealed, changed, opened = (text for _, text in flip(cipher, "Pay Bob 100 euros.", byte=8, bit=3))
    assert opened == "Pay Bob 900 euros."
    assert (int(sealed.replace(" ", ""), 16) ^ int(changed.replace(" ", ""), 16)).bit_count() == 1


def test_a_flip_is_refused_where_there_is_a_tag() -> None:
    *_, (_, opened) = flip(lambda: AesGcm(KEY), "Pay Bob 100 euros.", byte=8, bit=3)
    assert opened.startswith("✘ refused: ")


@pytest.mark.parametrize(("byte", "bit"), [(18, 0), (-1, 0), (0, 8), (0, -1)])
def test_a_bit_that_is_not_there_is_said_in_a_sentence(byte: int, bit: int) -> None:
    with pytest.raises(CellError, match="bytes 0 to 17"):
        flip(lambda: RepeatingXor(KEY), "Pay Bob 100 euros.", byte=byte, bit=bit)
