from lab.decrypting.reading import Connection
from lab.report.steps import Step, tls_steps
from tests.lab.report.conftest import WireOf


def steps(wire_of: WireOf, name: str, *, keys: bool = True) -> list[Step]:
    connection = wire_of(name, keys=keys).talks[0].tls
    assert isinstance(connection, Connection)
    return list(tls_steps(connection))


def test_the_conversation_is_one_step(wire_of: WireOf) -> None:
    connection = wire_of("tls13").talks[0].tls
    assert connection is not None
    (step,) = [step for step in tls_steps(connection) if step.kind == "conversation"]
    said = [row for row in connection.rows if row.opened and row.opened.content_type == 23]
    assert step.count == len(said)
    assert int(step.values["bytes"]) == sum(len(row.record.fragment) for row in said)
    assert step.spans == (said[0].spans[0], said[-1].spans[-1])
    assert (step.sealed, step.opened) == (True, True)


def test_up_to_tls_12_the_type_outside_tells(wire_of: WireOf) -> None:
    found = [step for step in steps(wire_of, "foreign-tls12") if step.sealed]
    assert {step.kind for step in found} == {"handshake_sealed", "conversation", "alert_sealed"}
    assert not any(step.opened for step in found)


def test_a_suite_that_cannot_be_opened_is_sealed(wire_of: WireOf) -> None:
    kinds = [step.kind for step in steps(wire_of, "tls12-cbc")]
    assert kinds.count("handshake_sealed") == 2
    assert "finished_12" not in kinds
