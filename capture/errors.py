"""The errors of this package: one base, and one sentence each that says what happened and what to do."""


class CaptureError(Exception):
    """A capture could not be made, read or opened; the text is one sentence for the user."""


class ToolMissingError(CaptureError):
    """A program of the Wireshark family is not installed."""


class NotACaptureError(CaptureError):
    """The file is empty or is neither pcap nor pcapng."""


class TornCaptureError(CaptureError):
    """The file ends within a packet or is damaged; everything before `offset` was read.

    Attributes:
        offset: bytes from the start of the (unzipped) file to the first byte that does not belong to a whole packet.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class MalformedError(CaptureError):
    """Bytes that break the rules of their protocol.

    Attributes:
        offset: how many units, bytes as a rule, of what was parsed stand before the first that breaks a rule.
    """

    def __init__(self, message: str, offset: int, unit: str = "byte") -> None:
        super().__init__(f"{message} (at {unit} {offset}, counted from 0)")
        self.offset = offset


class KeyLogError(CaptureError):
    """The key log is missing, damaged, or holds no key that opens this capture."""
