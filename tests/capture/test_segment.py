import pytest

from capture.segment import ACK, FIN, PSH, RST, SYN, Endpoint, Segment


def test_an_endpoint_reads_as_in_a_url() -> None:
    assert str(Endpoint("127.0.0.1", 12345)) == "127.0.0.1:12345"
    assert str(Endpoint("::1", 12346)) == "[::1]:12346"  # RFC 3986, section 3.2.2


def test_flags_are_those_of_rfc_9293() -> None:
    assert [1 << bit for bit in range(5)] == [FIN, SYN, RST, PSH, ACK]


def test_a_segment_does_not_change() -> None:
    segment = Segment(1, 2, Endpoint("a", 1), Endpoint("b", 2), 3, 4, ACK, 0, b"", 54)
    with pytest.raises(AttributeError):
        segment.frame = 2  # type: ignore[misc]
