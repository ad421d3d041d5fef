"""Solves exercise 10: writes what middle.py lacks, then reads what it has heard, and the capture with tshark."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write

_GAPS = {
    "towards_the_client": """\
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("own.pem")
    return context
""",
    "towards_the_server": """\
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations("ca.pem")
    return context
""",
    "pass_on": """\
    try:
        while data := await source.read(65536):
            if heard is not None:
                heard.write(data)
            target.write(data)
            await target.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    target.close()
""",
}
_ILLNESSES = {
    18: "self_signed",
    20: "other_ca",
    62: "wrong_name",
    10: "expired",
    26: "wrong_purpose",
}  # by verify error


def prepare(folder: Path) -> None:
    """Complete middle.py: before the live run, which runs it."""
    text = (folder / "middle.py").read_text("utf-8")
    for name, body in _GAPS.items():
        text = re.sub(rf'    raise NotImplementedError\("{name} .*\n', body.replace("\\", r"\\"), text)
    (folder / "middle.py").write_text(text, "utf-8")


def _alert(folder: Path) -> tuple[int, int]:
    """Frame and description of the only fatal alert."""
    ((frame, description),) = fields(
        folder, "frame.number", "tls.alert_message.desc", show="tls.alert_message.level == 2"
    )
    return int(frame), int(description)


def _why(folder: Path) -> str:
    """What openssl says of the certificate in the connection with that alert."""
    frame, _ = _alert(folder)
    ((stream,),) = fields(folder, "tcp.stream", show=f"frame.number == {frame}")
    shown = fields(folder, "tls.handshake.certificate", show=f"tcp.stream == {stream} && tls.handshake.type == 11")
    der = bytes.fromhex(next(shown)[0].split(",")[0])
    (folder / "shown.der").write_bytes(der)
    host = asked(folder, r"`([a-z0-9-]+\.test)`")
    options = ("-x509_strict", "-purpose", "sslserver", "-verify_hostname", host, "-CAfile", "ca.pem", "shown.der")
    done = subprocess.run(
        ["openssl", "verify", *options], cwd=folder, capture_output=True, check=False, text=True, timeout=60
    )
    (folder / "shown.der").unlink()
    found = re.search(r"error (\d+) at", done.stderr)
    assert found is not None
    return _ILLNESSES[int(found[1])]


def _lines(folder: Path) -> list[str]:
    return (folder / "heard.txt").read_text("utf-8").splitlines()


def _number(folder: Path) -> int:
    return int(asked(folder, r"\*\*(?:number|número) (\d+)"))


def solve(folder: Path) -> None:
    frame, description = _alert(folder)
    # the first line is the name
    words = _lines(folder)[_number(folder)]
    write(folder, words=words, alert_frame=frame, alert=description, why=_why(folder))


def _in_middle(old: str, new: str) -> Mistake:
    """Change middle.py in one place; the live run is to be made again where the mistake is one of the step middle."""

    def mistake(folder: Path, _: object) -> None:
        text = (folder / "middle.py").read_text("utf-8")
        assert old in text
        (folder / "middle.py").write_text(text.replace(old, new), "utf-8")

    return mistake


def _without(folder: Path, _: object) -> None:
    (folder / "middle.py").unlink()


def _first_frame(same_port: bool, same_stream: bool, message: str = "") -> Mistake:
    """The first frame with TLS that goes to the port of the alert or not, stands in its connection or not."""

    def mistake(folder: Path, right: Mapping[str, Any]) -> int:
        wanted = ("frame.number", "tcp.stream", "tcp.srcport", "tcp.dstport", "tls.handshake.type")
        frames = list(fields(folder, *wanted, show="tls"))
        _, stream, _, port, _ = next(frame for frame in frames if int(frame[0]) == right["alert_frame"])
        return next(
            int(number)
            for number, its_stream, source, target, messages in frames
            if (port in (source, target)) is same_port
            and (its_stream == stream) is same_stream
            and message in ("", messages.split(",")[0])
        )

    return mistake


_PLAIN_RELAY = _in_middle("ssl=far, server_hostname=host)", ")")


_NO_TLS = _in_middle("ssl=near", "ssl=None")


def _passed_through(folder: Path, right: Mapping[str, object]) -> None:
    _PLAIN_RELAY(folder, right)
    _NO_TLS(folder, right)


_REFUSED = _in_middle('    context.load_verify_locations("ca.pem")\n', "")
MISTAKES: Mapping[str, Mistake] = {
    "middle.no_certificate": _NO_TLS,
    "middle.passed_through": _passed_through,
    "middle.no_server": _in_middle("        from_server,", "        return to_client.close()\n        from_server,"),
    "middle.no_tls_behind": _PLAIN_RELAY,
    "middle.server_refused": _REFUSED,
    "middle.not_passed_on": _in_middle("target.write(data)", 'target.write(data.replace(b"-", b"+"))'),
    "heard.missing": _without,
    "heard.not_ready": _in_middle('sys.stdout.write("ready\\n")', "raise OSError"),
    "heard.client_lost": _REFUSED,
    "heard.never_ended": _in_middle("asyncio.to_thread(sys.stdin.read)", "asyncio.Event().wait()"),
    "heard.nothing_heard": _in_middle("heard.write(data)", "pass"),
    "heard.not_all_heard": _in_middle("heard.write(data)", "heard.write(data[:10])"),
    "heard.answers_too": _in_middle("to_client, None", "to_client, heard"),
    "words.nothing_said": _NO_TLS,
    "words.name_counted": lambda folder, _: _lines(folder)[_number(folder) - 1],
    "words.other_message": lambda folder, _: _lines(folder)[_number(folder) + 1],
    "words.not_whole": lambda _, right: right["words"][3:],
    "alert_frame.no_refusal": _passed_through,
    "alert_frame.careless_client": _first_frame(True, False),
    "alert_frame.behind_the_middle": _first_frame(False, False),
    "alert_frame.other_record": _first_frame(True, True, "1"),
    "alert_frame.wrong_direction": _first_frame(True, True, "2"),
    "alert.no_refusal": _passed_through,
    "alert.level": lambda *_: 2,
    "alert.record_type": lambda *_: 21,
    "why.no_refusal": _passed_through,
    "why.not_a_word": lambda *_: "not trusted",
    "why.alert_name": lambda *_: "bad_certificate",
    "why.another": lambda _, right: next(word for word in _ILLNESSES.values() if word != right["why"]),
}
# Those that show only in a new live run.
RUN_AGAIN = frozenset(name for name in MISTAKES if name.startswith("middle.") or name.endswith(("no_refusal", "_said")))
