from typing import Any

from lab.notebook.claims import claimed, where

VERDICT: dict[str, Any] = {
    "claims": [
        {"what": "JA3: one program", "measured": "the same", "spans": [{"frame": 3, "first": 66, "last": 70}]},
        {"what": "TLS 1.3: the certificate", "measured": "nowhere", "spans": []},
        {
            "what": "JA3: another program",
            "measured": "another one",
            "spans": [{"frame": 4, "first": 1, "last": 2}, {"frame": 5, "first": 0, "last": 9}],
        },
    ]
}


def test_claims_that_begin_as_asked_stand_with_their_places() -> None:
    assert claimed(VERDICT, "JA3") == [
        ("JA3: one program", "the same", "frame 3, bytes 66-70"),
        ("JA3: another program", "another one", "frame 4, bytes 1-2; frame 5, bytes 0-9"),
    ]


def test_all_claims_where_none_is_chosen() -> None:
    assert [what for what, _, _ in claimed(VERDICT)] == [claim["what"] for claim in VERDICT["claims"]]


def test_no_place_where_there_is_none() -> None:
    assert where([]) == ""
