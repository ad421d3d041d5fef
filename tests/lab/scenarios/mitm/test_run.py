import asyncio
import json
import ssl
import stat
from collections.abc import Callable

import pytest

from capture.readers import ReaderName, read_segments
from certs.pinning import PinError
from lab.errors import LabError
from lab.folder import RunFolder
from lab.scenarios.mitm import run as mitm_run
from lab.scenarios.mitm.cast import Shown, Who
from lab.scenarios.mitm.read import Result
from lab.scenarios.mitm.run import TLS_1_2, TLS_1_3, WORDS, Recording, record
from lab.scenarios.shape import Setting

MakeSetting = Callable[..., Setting]
CHANGED = (WORDS[0], "Then pay 900 euros to Mallory, please.")


def one_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mitm_run, "VERSIONS", {TLS_1_3: ssl.TLSVersion.TLSv1_3})


def check(recording: Recording, folder: RunFolder, versions: tuple[str, ...]) -> None:
    visits = recording.visits
    pairs = [(version, shown, who) for version in versions for shown in Shown for who in Who]
    assert [(visit.version, visit.shown, visit.who) for visit in visits] == pairs
    assert len({visit.port for visit in visits}) == len(visits)
    for visit in visits:
        assert bool(visit.sent) is (visit.refusal is None)
        # what the others in the room heard
        assert visit.delivered == ((WORDS if visit.shown is Shown.GENUINE else CHANGED) if visit.sent else ())
    strict = {visit.shown: visit.refusal for visit in visits if visit.who is Who.STRICT}
    assert strict[Shown.GENUINE] is None
    codes = {shown: refusal.code for shown, refusal in strict.items() if refusal is not None}
    assert codes[Shown.EXPIRED] == 10
    assert codes[Shown.WRONG_NAME] == 62
    assert codes[Shown.REVOKED] == 23
    assert len(codes) == len(Shown) - 1
    pinned = [visit.refusal for visit in visits if visit.who is Who.PINNED and visit.shown is not Shown.GENUINE]
    assert {(refusal.code, refusal.words) for refusal in pinned if refusal is not None} == {(None, PinError.reason)}
    for log in (recording.attacker, recording.server):
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        assert log.stat().st_size
    told = json.loads(folder.transcript.read_text())
    assert [entry["version"] for entry in told["visits"]] == [visit.version for visit in visits]
    assert recording.counters.received
    assert recording.counters.dropped == 0


def test_every_client_meets_every_certificate_and_nobody_but_this_machine(met: Result, best_reader: ReaderName) -> None:
    recording = met.recording
    check(recording, RunFolder(met.capture.parent), (TLS_1_3, TLS_1_2))
    segments = tuple(read_segments(met.capture, best_reader))
    assert {end.host for segment in segments for end in (segment.source, segment.destination)} == {"127.0.0.1"}
    ports = {recording.port, *(visit.port for visit in recording.visits)}
    assert all(ports & {segment.source.port, segment.destination.port} for segment in segments)
    assert recording.opinions is None or list(recording.opinions) == list(Shown)


def test_without_openssl(make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere() -> None:
        return None

    one_version(monkeypatch)
    monkeypatch.setattr(mitm_run, "find_openssl", nowhere)
    setting = make_setting("mitm")
    recording = asyncio.run(record(setting))
    check(recording, setting.folder, (TLS_1_3,))
    assert recording.opinions is None


def test_a_folder_that_holds_certificates_already(make_setting: MakeSetting) -> None:
    setting = make_setting("mitm")
    (setting.folder.path / "ca.pem").write_text("mine")
    with pytest.raises(LabError, match=r"ca\.pem cannot be written"):
        asyncio.run(record(setting))
    assert (setting.folder.path / "ca.pem").read_text() == "mine"
