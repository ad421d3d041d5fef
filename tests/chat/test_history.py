from chat.history import History


def test_up_and_down_and_back_to_the_draft() -> None:
    history = History()
    for line in ("one", "two", "three"):
        history.add(line)
    assert history.up("half a th") == "three"
    assert history.up("three") == "two"
    assert history.up("two") == "one"
    assert history.up("one") == "one", "there is nothing above"
    assert history.down("one") == "two"
    assert history.down("two") == "three"
    assert history.down("three") == "half a th"
    assert history.down("half a th") == "half a th", "there is nothing below"


def test_without_a_past() -> None:
    history = History()
    assert history.up("words") == "words"
    assert history.down("words") == "words"


def test_repeats_and_blanks_are_not_kept() -> None:
    history = History()
    for line in ("one", "one", " ", "two", "one"):
        history.add(line)
    assert [history.up(""), history.up(""), history.up(""), history.up("end")] == ["one", "two", "one", "end"]


def test_what_was_sent_brings_back_to_the_bottom() -> None:
    history = History()
    history.add("one")
    history.add("two")
    assert history.up("") == "two"
    history.add("three")
    assert history.down("x") == "x"
    assert history.up("x") == "three"


def test_it_does_not_grow_for_ever() -> None:
    history = History(kept=2)
    for line in "abc":
        history.add(line)
    assert [history.up("")] + [history.up("?") for _ in range(2)] == ["c", "b", "?"]
