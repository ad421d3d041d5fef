"""tshark's own output is read in test_init.py and test_pdml.py; here is what it has not yet been seen to print."""

import pytest

from capture.dissection import Source
from capture.dissectors.printed import Line, Printed

TWO_FRAMES = """\
Frame 1: 2 bytes on wire
    [Made up: 1]
    [not made up]
    [[made up]]

Frame (2 bytes):
0000  61 62                                            ab
Decrypted TLS (17 bytes):
0000  30 31 32 33 34 35 36 37 38 39 30 31 32 33 34 35   0123456789012345
0010  36                                                6

Frame 2: 1 byte on interface x (2 bytes):

0000  63                                               c

"""


def test_two_frames() -> None:
    printed = Printed(iter(TWO_FRAMES.splitlines()))
    lines, sources = printed.frame(["Frame 1: 2 bytes on wire", "Made up: 1", "[not made up]", "[made up]"])
    assert [line.made_up for line in lines] == [False, True, False, True]
    assert sources == [Source("frame", b"ab"), Source("decrypted", b"01234567890123456")]
    assert printed.frame([""]) == ([Line("Frame 2: 1 byte on interface x (2 bytes):", False)], [Source("frame", b"c")])


def test_other_frames() -> None:
    with pytest.raises(
        ValueError, match=r"^'Made up: 1' is printed for|^'\[Made up: 1\]' is printed for 'Something else'$"
    ):
        Printed(iter(TWO_FRAMES.splitlines())).frame(["Frame 1: 2 bytes on wire", "Something else"])
