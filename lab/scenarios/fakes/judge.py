"""The fakes against the textbook: claims with their places, and the answers to what was to be predicted. Pure."""

from capture.randomness import Randomness
from lab.scenarios.fakes.attacks import WELCOME
from lab.scenarios.fakes.result import BASE64, CTR, ECB, LISTENED, RELAYED, TLS, XOR, Fakes, Row
from lab.scenarios.shape import Claim, Judgement, Question
from lab.verdict import ALPHA

_OTHER = "another selection"
_RANDOM = {
    "all of them": {BASE64, XOR, ECB, CTR, RELAYED, LISTENED, TLS},
    "all but base64": {XOR, ECB, CTR, RELAYED, LISTENED, TLS},
    "only RSA + AES-GCM, and TLS": {RELAYED, LISTENED, TLS},
}
_LISTENING = {
    "base64 alone": {BASE64},
    "base64 and XOR": {BASE64, XOR},
    "base64, XOR and AES-CTR": {BASE64, XOR, CTR},
    "all five": {BASE64, XOR, CTR, ECB, LISTENED},
}
_STARTS, _SOME, _EVERYTHING = f"the first {len(WELCOME)} bytes of each line", "the short messages", "everything"

QUESTIONS = (
    Question(
        "random",
        "The randomness test gets all that was sealed of each chat. Which of them look random to it?",
        (*_RANDOM, _OTHER),
    ),
    Question("listening", "Which of the five are read by somebody who only listens?", (*_LISTENING, _OTHER)),
    Question(
        "crib",
        f'AES-CTR with a reused nonce: the attacker knows that the server begins with "{WELCOME.decode()}", which is '
        f"{len(WELCOME)} bytes, and how it words its lines, but none of the messages. What is read?",
        (_STARTS, _SOME, _EVERYTHING),
    ),
)


def looks_random(test: Randomness | None) -> bool:
    """Whether the test finds no structure, by the limit that holds for TLS, too."""
    return test is None or test.p_value >= ALPHA


def judge(fakes: Fakes) -> Judgement:
    """Compare what was read with what should have been."""
    claims = (
        *(_read(fakes.row(name)) for name in (BASE64, XOR)),
        _key_length(fakes),
        _read(fakes.row(ECB), f" of {fakes.ecb.book:,} blocks"),
        *_blocks(fakes),
        *(_read(fakes.row(name)) for name in (CTR, RELAYED)),
        *_keys(fakes),
        *(_unread(fakes.row(name)) for name in (LISTENED, TLS)),
    )
    problems = (
        *(f"{row.name}: {row.invented} messages were read that nobody sent." for row in fakes.rows if row.invented),
        *(f"{row.name}: {problem}" for row in fakes.rows if row.closed is not None for problem in row.closed.problems),
    )
    reach = len(fakes.ctr.stream)
    answers = {
        "random": _option(_RANDOM, {row.name for row in fakes.rows if looks_random(row.all)}),
        "listening": _option(_LISTENING, _by_listening(fakes)),
        "crib": _EVERYTHING if fakes.row(CTR).whole else _SOME if reach > len(WELCOME) else _STARTS,
    }
    return Judgement(claims, answers, fakes.counters, problems, {"chats": [_details(row) for row in fakes.rows]})


def _by_listening(fakes: Fakes) -> set[str]:
    """Return the chats that somebody reads who neither speaks, as the codebook needs, nor sits on the way."""
    whole = {name for name in (BASE64, XOR, CTR, LISTENED) if fakes.row(name).whole}
    return whole | {ECB} if fakes.ecb_listening == len(fakes.row(ECB).sent) else whole


def _option(options: dict[str, set[str]], measured: set[str]) -> str:
    return next((option for option, names in options.items() if names == measured), _OTHER)


def _read(row: Row, size: str = "") -> Claim:
    total = len(row.sent)
    spans = tuple(span for message in row.messages for span in message.sealed.spans)
    return Claim(
        f"{row.name}, {row.attack}{size}", f"{total} of {total} read", f"{row.read} of {total} read", row.whole, spans
    )


def _unread(row: Row) -> Claim:
    total = len(row.sent)
    found = row.closed.found if row.closed is not None else 0
    measured = f"{row.read} of {total} read" + (f", the words of {found} found" if found else "")
    return Claim(f"{row.name}, {row.attack}", f"0 of {total} read", measured, row.read == found == 0)


def _key_length(fakes: Fakes) -> Claim:
    guess = max(fakes.xor.guesses, key=lambda guess: guess.rate)
    length = len(fakes.xor.key or b"")
    return Claim(
        f"{XOR}, the length of the key",
        "the crib and the coincidences agree on it",
        f"the crib says {length}, most coincidences are at {guess.length}" if length else "no key was found",
        length > 0 and guess.length % length == 0,
        fakes.xor.cribs[0].spans if fakes.xor.cribs else (),
    )


def _blocks(fakes: Fakes) -> tuple[Claim, Claim]:
    ecb = fakes.ecb
    places = ecb.repeat.places if ecb.repeat is not None else ()
    from_server = sum(not read.sealed.stream.from_client for read in ecb.reads)
    return (
        Claim(
            f"{ECB}, equal blocks",
            "they show",
            f"{ecb.blocks} blocks, {ecb.different} different ones",
            ecb.different < ecb.blocks,
            tuple(span for place in places for span in place),
        ),
        Claim(
            f"{ECB}, lines that nobody said for the codebook",
            "stay unread",
            f"of {ecb.repeated} lines from the server {from_server} read",
            from_server == 0,
        ),
    )


def _keys(fakes: Fakes) -> tuple[Claim, Claim]:
    exchange = fakes.exchange
    differ = exchange.genuine.data != exchange.shown.data
    return (
        Claim(
            f"{RELAYED}, the far end's key before and after the relay",
            "two different keys",
            "two different keys" if differ else "the same key",
            differ,
            (*exchange.genuine.spans, *exchange.shown.spans),
        ),
        Claim(
            f"{RELAYED}, at a near end that knows the right key",
            "it refuses the wrong one and sends nothing",
            f"it sent {exchange.answered} bytes",
            exchange.answered == 0 and exchange.refused.data == exchange.shown.data,
            exchange.refused.spans,
        ),
    )


def _details(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "port": row.port,
        "attack": row.attack,
        "sent": len(row.sent),
        "read": row.read,
        "p_of_one_line": row.one.p_value if row.one is not None else None,
        "p_of_all": row.all.p_value if row.all is not None else None,
        "entropy_of_all": row.all.entropy if row.all is not None else None,
    }
