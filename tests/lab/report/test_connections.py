from typing import Any

from lab.pipeline import Outcome
from lab.report.connections import connections
from tests.lab.report.conftest import WireOf


def test_who_and_how(both: Outcome, data: dict[str, Any]) -> None:
    found = data["connections"]
    assert [one["conn"] for one in found] == list(range(6))
    ports = {chat.port: transport for transport, chat in both.chats.items()}
    for one in found:
        transport = ports[int(one["server"].rpartition(":")[2])]
        assert one["tls"] is (transport == "tls")
    plain = [one for one in found if not one["tls"]]
    assert [one["who"] for one in plain] == ["alice", "bob", "carol"]
    assert all(one["version"] is one["suite"] is one["server_name"] is None for one in plain)
    for one in found:
        if one["tls"]:
            assert one["who"] is None, "the name crossed encrypted, and the keys do not change who could see it"
            assert (one["version"], one["server_name"]) == ("TLS 1.3", "localhost")
            assert one["suite"].startswith("TLS_")


def test_those_that_said_nothing(wire_of: WireOf) -> None:
    (one,) = connections(wire_of("tls-alert-version"))
    assert (one["tls"], one["version"], one["who"]) == (True, None, None)
    (other,) = connections(wire_of("keep-alive"))
    assert (other["tls"], other["client"], other["server"]) == (False, "10.0.0.1:40000", "10.0.0.2:12345")
