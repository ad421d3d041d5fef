"""What is claimed of the handshakes, and whether the capture bears it out. Pure."""

from lab.scenarios.leaks.open import Shown
from lab.scenarios.leaks.result import Handshakes, Result
from lab.scenarios.leaks.visit import ASKED
from lab.scenarios.shape import Claim


def judge_handshakes(result: Result) -> tuple[Claim, ...]:
    """Compare what the handshakes show with the textbook."""
    return (*_clear(result), *_fingerprints(result.handshakes), *_tickets(result.handshakes))


def _clear(result: Result) -> list[Claim]:
    old, new = result.handshakes.tls12[0], result.handshakes.tls13[0]
    asked = result.handshakes.chat[0].server_name
    crossed = old.certificate is not None and old.certificate.value == result.certificate
    stands = (*new.held, *((new.certificate.spans,) if new.certificate else ()))
    return [
        Claim(
            "the server's name in the ClientHello (SNI)",
            ASKED,
            asked.value.decode("ascii", "backslashreplace") if asked else "none",
            asked is not None and asked.value == ASKED.encode(),
            asked.spans if asked else (),
        ),
        Claim(
            "TLS 1.2: the server's certificate",
            "in the clear",
            "in the clear" if crossed else "not there",
            crossed,
            old.certificate.spans if old.certificate else (),
        ),
        Claim(
            "TLS 1.3: the server's certificate",
            "nowhere in the clear",
            "in the clear" if stands else f"nowhere in {new.searched:,} bytes",
            not stands,
            tuple(span for place in stands for span in place),
        ),
    ]


def _fingerprints(shakes: Handshakes) -> list[Claim]:
    own = sorted({connection.ja3 for connection in shakes.chat})
    claims = [
        Claim(
            f"JA3: one program, {len(shakes.chat)} connections",
            "the same each time",
            own[0] if len(own) == 1 else f"{len(own)} different ones",
            len(own) == 1,
            tuple(span for connection in shakes.chat[:2] for span in connection.hello.spans),
        )
    ]
    if shakes.openssl is not None:
        claims.append(
            Claim(
                "JA3: another program, openssl s_client",
                "another one",
                shakes.openssl.ja3,
                shakes.openssl.ja3 not in own,
                shakes.openssl.hello.spans,
            )
        )
    return claims


def _tickets(shakes: Handshakes) -> list[Claim]:
    (first, second), (_, again, once_more) = shakes.tls12, shakes.tls13
    return [
        _linked(
            "TLS 1.2: the ticket given in one connection, brought in the next", first.ticket_given, second.ticket_shown
        ),
        _linked("TLS 1.3: one ticket, brought in two connections", again.ticket_shown, once_more.ticket_shown),
    ]


def _linked(what: str, one: Shown | None, other: Shown | None) -> Claim:
    same = one is not None and other is not None and one.value == other.value
    measured = f"the same {len(one.value)} bytes" if one and same else "different" if one and other else "not there"
    spans = tuple(span for shown in (one, other) if shown for span in shown.spans)
    return Claim(what, "the same bytes, which link the two", measured, same, spans)
