from lab.errors import LabError


def test_its_text_is_what_was_said() -> None:
    assert str(LabError("Nothing was sent.")) == "Nothing was sent."
    assert isinstance(LabError(), Exception)
