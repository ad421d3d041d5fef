from capture.dissection import Dissection, Node, Source


def test_bytes_of_a_node_are_those_of_its_source() -> None:
    frame, opened = Source("frame", b"\x17\x03\x03\0\x02ab"), Source("decrypted", b"hola")
    length = Node("tls.record.length", "Length: 2", 2, 0, 3, 2, 1)
    words = Node("tls.app_data", "Encrypted Application Data", None, 1, 1, 3, 1)
    dissection = Dissection(1, (frame, opened), (length, words))
    assert dissection.bytes_of(length) == b"\0\x02"
    assert dissection.bytes_of(words) == b"ola"
