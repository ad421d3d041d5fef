"""A TLS handshake in memory, for tests of contexts: real OpenSSL on both sides, no socket."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shaken:
    """How it ended: the error of each side, None where it is done; and what the client sent, flight by flight."""

    client: ssl.SSLError | None
    server: ssl.SSLError | None
    flights: tuple[bytes, ...]

    @property
    def verify_code(self) -> int:
        """OpenSSL's verify error, 0 where the client accepted."""
        if self.client is None:
            return 0
        assert isinstance(self.client, ssl.SSLCertVerificationError)
        return self.client.verify_code


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> Shaken:
    """Let the two contexts meet; the client asks for `name`."""
    up, down, from_client, from_server = (ssl.MemoryBIO() for _ in range(4))
    sides = {
        client: (client.wrap_bio(down, from_client, server_hostname=name), from_client, up),
        server: (server.wrap_bio(up, from_server, server_side=True), from_server, down),
    }
    flights: dict[ssl.SSLContext, list[bytes]] = {client: [], server: []}
    failed: dict[ssl.SSLContext, ssl.SSLError] = {}
    for _ in range(4):
        for context, (side, out, other) in sides.items():
            if context in failed:
                continue
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                failed[context] = error
            flights[context].append(out.read())
            other.write(flights[context][-1])
    return Shaken(failed.get(client), failed.get(server), tuple(flights[client]))
