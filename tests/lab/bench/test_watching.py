import pytest

from lab.bench.figures import QUICK, Results
from lab.bench.watching import DISSECTED, NATIVE, WATCHERS, Watched, calm_rows, flood_rows, watch
from lab.errors import LabError

PEERS = set(WATCHERS) - {NATIVE, DISSECTED}


@pytest.mark.usefixtures("nothing_left", "may_capture")
@pytest.mark.parametrize("name", [NATIVE, DISSECTED])
def test_every_message_is_accounted_for(name: str) -> None:
    watched = watch(name, 2000, 200)
    assert (watched.sent, watched.seen) == (200, 200)
    assert 0 < watched.p50_ms <= watched.p95_ms
    assert watched.first_ms > 0
    assert watched.seconds >= 0.099, "200 at 2,000 a second"


@pytest.mark.usefixtures("nothing_left", "may_capture")
@pytest.mark.parametrize("name", sorted(PEERS))
def test_every_peer_has_its_chance(name: str) -> None:
    watched = watch(name, 200, 20)
    assert watched.seen > 0
    assert 0 < watched.p50_ms <= watched.p95_ms


@pytest.mark.usefixtures("nothing_left")
def test_one_that_cannot_watch_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WATCHERS, NATIVE, ["sh", "-c", "echo no rights >&2; exit 3"])
    with pytest.raises(LabError, match=r"^native engine ended too early: no rights"):
        watch(NATIVE, 200, 10)


def watched(p50: float, *, seen: int = 100, first: float = 10) -> Watched:
    return Watched(first_ms=first, p50_ms=p50, p95_ms=2 * p50, sent=100, seen=seen, seconds=1)


def test_latency_is_judged_by_our_median_and_compared_with_every_peer() -> None:
    done = {name: [watched(10)] for name in PEERS}
    done |= {NATIVE: [watched(0.2), watched(9), watched(0.1)], DISSECTED: [watched(1)], "pyshark LiveCapture": []}
    p50, p95, dissected, _, first, _ = calm_rows(Results(done, {"pyshark LiveCapture": "It is not there."}))
    assert (p50.met, p95.met, dissected.met, first.met) == (True, True, False, True)
    assert {peer.name for peer in p50.peers} == PEERS
    ratios = {peer.name: p50.ratio(peer) for peer in p50.peers}
    assert ratios.pop("pyshark LiveCapture") is None
    assert list(ratios.values()) == pytest.approx([0.02] * (len(PEERS) - 1))


def test_what_is_lost_is_the_sum_of_all_rounds() -> None:
    done = {
        NATIVE: [watched(1)] * 3,
        DISSECTED: [watched(1), watched(1, seen=99)],
        "scapy sniff": [watched(1, seen=40)],
    }
    native, dissected = flood_rows(Results(done, {}), QUICK)
    assert (native.met, native.figure(native.ours)) == (True, 0)
    assert (dissected.met, dissected.figure(dissected.ours)) == (False, 1)
    assert dissected.ratio(dissected.peers[0]) == pytest.approx(0.5 / 60)
    assert "300" in native.name
