import pytest

from capture import errors
from capture.errors import CaptureError, MalformedError, TornCaptureError


def test_one_base() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) == 6
    assert all(issubclass(kind, CaptureError) for kind in kinds)


def test_offsets() -> None:
    torn = TornCaptureError("It is torn.", 77)
    assert (str(torn), torn.offset) == ("It is torn.", 77)
    malformed = MalformedError("00 is not a type", 5)
    assert malformed.offset == 5
    assert "00 is not a type" in str(malformed)
    assert "byte 5" in str(malformed)


def test_a_malformed_error_is_not_a_torn_one() -> None:
    with pytest.raises(CaptureError) as raised:
        raise MalformedError("x", 0)
    assert not isinstance(raised.value, TornCaptureError)
