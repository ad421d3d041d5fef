from capture.anatomy_tree import Tree, bits, digits, masked, plural, printable


def test_bits_as_wireshark_draws_them() -> None:
    assert bits(0x45, 0xF0, 8) == "0100 ...."
    assert bits(0x018, 0x010, 12) == ".... ...1 ...."
    assert bits(0b101, 0b100, 3) == "1.."
    assert bits(0x020000, 1 << 17, 24) == ".... ..1. .... .... .... ...."
    assert (masked(0xABC, 0xF00), masked(0xABC, 0x00F), masked(0b0100, 0b0100)) == (0xA, 0xC, 1)


def test_values_in_labels() -> None:
    assert digits(bytes(36)) == "00" * 36
    assert digits(b"\xab" * 37) == "ab" * 36 + "…"
    assert (plural(1, "byte"), plural(0, "byte"), plural(2, "suite")) == ("1 byte", "0 bytes", "2 suites")


def test_nothing_captured_reaches_a_label_as_it_is() -> None:
    assert printable("déjà <b>vu</b>") == "déjà <b>vu</b>"
    assert printable("\x1b[2J\0\n\u202e\u2066") == "\\x1b[2J\\x00\\n\\u202e\\u2066"


def test_nodes_in_their_order() -> None:
    tree = Tree(source=2, depth=1)
    tree.add("a", "A", 0, 4, 7)
    tree.add("b", "B", 4, 0)
    tree.depth += 1
    tree.rest("Left", 4, 9, below=1)
    assert [(n.name, n.label, n.number, n.source, n.start, n.size, n.depth) for n in tree.nodes] == [
        ("a", "A", 7, 2, 0, 4, 1),
        ("", "Left: 5 bytes", None, 2, 4, 5, 3),
    ]
