from html.parser import HTMLParser

from lab.notebook.show import table


class Cells(HTMLParser):
    """The text of each cell, as a browser would read it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, _: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def cells(html: str) -> Cells:
    parser = Cells()
    parser.feed(html)
    return parser


def test_a_table() -> None:
    shown = cells(table(("frame", "bytes"), [(7, b"hola"), (None, True)])._repr_html_())
    assert shown.found == ["frame", "bytes", "7", "68 6f 6c 61", "None", "True"]
    assert shown.tags.count("tr") == 3


def test_what_was_captured_is_data() -> None:
    shown = cells(table(("said",), [("<script>alert(1)</script>\x1b[31m\u202e",)])._repr_html_())
    assert "script" not in shown.tags
    assert shown.found == ["said", "<script>alert(1)</script>\\x1b[31m\\u202e"]


def test_long_ones_are_cut_and_say_so() -> None:
    made = table(("n",), [("x" * 9,), ("y",), ("z",)], most=2, width=4)
    assert made.rows == (("xxxx…",), ("y",))
    assert "and 1 more rows" in made._repr_html_()
    assert "more rows" not in table(("n",), [(1,)])._repr_html_()
