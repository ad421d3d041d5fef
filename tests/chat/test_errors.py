import pytest

from chat.errors import ChatError, ConnectionLost, NicknameError, ProtocolError


@pytest.mark.parametrize("kind", [NicknameError, ProtocolError, ConnectionLost])
def test_one_except_catches_all(kind: type[ChatError]) -> None:
    with pytest.raises(ChatError, match=r"^What happened\.$"):
        raise kind("What happened.")
