import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.scenarios.mutual.judge import Result, judge
from lab.scenarios.mutual.scenario import SCENARIO
from tests.lab.scenarios.mutual.running import Play


def test_it_is_as_the_textbook_has_it(mutual_asked: Result) -> None:
    judgement = judge(mutual_asked)
    assert judgement.ok, judgement
    assert judgement.answers == {"sees_12": "yes, by name", "sees_13": "no", "mallory": "the chat", "thief": "no"}
    for question in SCENARIO.questions:
        assert judgement.answers[question.key] in question.options


def test_servers_that_ask_nobody_turn_the_verdict(mutual_lax: Result) -> None:
    judgement = judge(mutual_lax)
    assert not judgement.ok
    assert judgement.answers == {"sees_12": "no", "sees_13": "no", "mallory": "nobody", "thief": "yes"}
    wrong = {claim.what for claim in judgement.claims if not claim.ok}
    for version in ("TLS 1.2", "TLS 1.3"):
        assert wrong >= {f"{who}, {version}" for who in ("mallory", "a stranger", "a guest", "a thief")}
        # that no certificate was seen says nothing where none was shown
        assert f"clients' certificates without keys, {version}" in wrong


def test_servers_that_bind_nobody_to_a_name_turn_the_verdict(mutual_unbound: Result) -> None:
    judgement = judge(mutual_unbound)
    assert not judgement.ok
    assert judgement.answers["mallory"] == "nobody"
    assert {claim.what: claim.measured for claim in judgement.claims if not claim.ok} == {
        "mallory, TLS 1.2": "let in as alice",
        "mallory, TLS 1.3": "let in as alice",
    }


def test_only_the_key_log_is_left_and_only_for_its_owner(mutual_asked: Result) -> None:
    folder = mutual_asked.capture.parent
    assert {path.name for path in folder.iterdir()} == {"capture.pcapng", "tls.keylog", "transcript.json"}
    assert stat.S_IMODE(mutual_asked.keylog.stat().st_mode) == 0o600
    told = json.loads((folder / "transcript.json").read_text())
    assert set(told["TLS 1.3"]["told"]) == {"mallory", "a stranger", "a guest", "a thief"}


def tshark(tool: Callable[[str], str], capture: Path, *arguments: str) -> list[list[str]]:
    done = subprocess.run(
        [tool("tshark"), "-r", str(capture), *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("keys", [False, True])
def test_tshark_sees_the_same_certificates(mutual_asked: Result, tool: Callable[[str], str], keys: bool) -> None:
    for chat in mutual_asked.chats:
        arguments = ["-d", f"tcp.port=={chat.port},tls", "-Tfields", "-e", "frame.number", "-e", "x509sat.uTF8String"]
        arguments += ["-Y", f"tls.handshake.certificate && tcp.dstport == {chat.port}"]
        if keys:
            arguments += ["-o", f"tls.keylog_file:{mutual_asked.keylog}"]
        expected = [
            [str(shown.spans[-1].frame), "Traffic lab CA", str(shown.name)]
            for seen in chat.seen
            if (shown := seen.with_keys if keys else seen.in_clear) is not None
        ]
        assert len(expected) == (0 if chat.version == "TLS 1.3" and not keys else 5)
        # issuer and holder; that of the CA, which OpenSSL sends along where it has it, comes after
        rows = [(frame, names.split(",")) for frame, names in tshark(tool, mutual_asked.capture, *arguments)]
        assert [[frame, *names[:2]] for frame, names in rows] == expected


def test_tshark_sees_the_same_alerts(mutual_asked: Result, tool: Callable[[str], str]) -> None:
    arguments = [word for chat in mutual_asked.chats for word in ("-d", f"tcp.port=={chat.port},tls")]
    arguments += ["-o", f"tls.keylog_file:{mutual_asked.keylog}", "-Y", "tls.alert_message.level == 2"]
    arguments += ["-Tfields", "-e", "frame.number", "-e", "tls.alert_message.desc"]
    alerts = [seen.alert for chat in mutual_asked.chats for seen in chat.seen if seen.alert is not None]
    assert [alert.description for alert in alerts] == [48, 40, 51, 48, 116, 51]
    seen = tshark(tool, mutual_asked.capture, *arguments)
    assert seen == [[str(alert.spans[0].frame), str(alert.description)] for alert in alerts]


def test_the_certificates_of_tls_1_2_stand_in_the_file_and_no_others(mutual_asked: Result) -> None:
    """Whatever the lab makes of its records: in the bytes of the file itself."""
    data = mutual_asked.capture.read_bytes()
    people = [seen.person for seen in mutual_asked.chats[0].seen if seen.person.certificate is not None]
    assert [data.count(person.certificate or b"") for person in people] == [2, 1, 1, 1, 2]  # the thief's is alice's
    assert people == [seen.person for seen in mutual_asked.chats[1].seen if seen.person.certificate is not None]


def test_a_capture_that_does_not_show_everybody_is_no_evidence(
    mutual_play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.scenarios.mutual.scenario.read_segments", lambda *_: [])
    with pytest.raises(LabError, match=r"The capture shows 0 connections to the TLS 1\.2 chat, and 6 were made"):
        mutual_play()
