"""What is claimed of the leaks, and whether the capture bears it out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from capture.streams import Span
from lab.scenarios.leaks.judge_open import judge_handshakes
from lab.scenarios.leaks.open import Openly
from lab.scenarios.leaks.result import BUCKETS, CONSTANT, NONE, Attacked, Handshakes, Result
from lab.scenarios.leaks.score import Score, fewer
from lab.scenarios.leaks.talk import COUNT, NAMES
from lab.scenarios.shape import Claim, Judgement, Question

_RANGES = {20: "0 to 20", 100: "21 to 100", 180: "101 to 180", COUNT: f"181 to {COUNT}"}
_PRICES = {2.0: "up to twice", 5.0: "2 to 5 times", float("inf"): "more than 5 times"}
_VERSIONS = {
    (True, False): "TLS 1.2 only",
    (False, True): "TLS 1.3 only",
    (True, True): "both",
    (False, False): "neither",
}

QUESTIONS = (
    Question(
        "named",
        f"How many of the {COUNT} messages can be named word for word without any key?",
        tuple(_RANGES.values()),
    ),
    Question("hidden", "And when every record has the same size?", tuple(_RANGES.values())),
    Question("price", "How many bytes does that cost, compared with no padding?", tuple(_PRICES.values())),
    Question(
        "certificate", "Where does the server's certificate cross readable by anybody?", tuple(_VERSIONS.values())
    ),
)


def judge(result: Result) -> Judgement:
    """Compare what was measured with the textbook."""
    attacked, shakes = result.attacked, result.handshakes
    named, hidden = (attacked[padding].scores.message.right for padding in (NONE, CONSTANT))
    price = attacked[CONSTANT].tapped.octets / attacked[NONE].tapped.octets
    return Judgement(
        claims=(
            *_unpadded(attacked[NONE], result),
            *_padded(result),
            *judge_handshakes(result),
        ),
        answers={
            "named": _range(named, _RANGES),
            "hidden": _range(hidden, _RANGES),
            "price": _range(price, _PRICES),
            "certificate": _VERSIONS[shakes.tls12[0].certificate is not None, shakes.tls13[0].certificate is not None],
        },
        counters=result.counters,
        problems=result.problems,
        details=_details(result),
    )


def _range(value: float, ranges: Mapping[Any, str]) -> str:
    return next(words for most, words in ranges.items() if value <= most)


def _scored(what: str, score: Score, spans: Sequence[Span], *, leaks: bool) -> Claim:
    """Claim that something is found out, or that it is not."""
    beside = "above" if leaks else "no better than"
    return Claim(
        what,
        f"{beside} guessing, which finds {score.expected:.0f}",
        f"{score.right} of {score.of} (by chance: p = {score.p_value:.1g})",
        score.above_chance is leaks,
        tuple(spans),
    )


def _unpadded(plain: Attacked, result: Result) -> list[Claim]:
    lines, scores, truth = plain.tapped.lines, plain.scores, result.truth
    pairs = list(zip(truth, plain.guesses, lines, strict=True))
    right = next((heard.spans for line, said, heard in pairs if line.phrase == said.phrase), lines[0].spans)
    quick = next((n for n, said in enumerate(plain.guesses) if said.answers), 1)
    first = plain.tapped.names
    return [
        _scored("no padding: the words, by the length", scores.message, right, leaks=True),
        _scored("no padding: who speaks, by the connection", scores.speaker, lines[0].spans, leaks=True),
        _scored(
            "no padding: who is answered, by the time",
            scores.answer,
            (*lines[quick - 1].spans, *lines[quick].spans),
            leaks=True,
        ),
        Claim(
            "no padding: the names, by the length of each client's first line",
            ", ".join(NAMES),
            _names(plain),
            plain.names == NAMES,
            tuple(span for line in first for span in line.spans),
        ),
        _scored("nobody listening: the words, drawn blindly", result.blind.message, (), leaks=False),
    ]


def _names(chat: Attacked) -> str:
    return ", ".join(name or "unknown" for name in chat.names)


def _padded(result: Result) -> list[Claim]:
    attacked = result.attacked
    plain, buckets, constant = attacked[NONE], attacked[BUCKETS], attacked[CONSTANT]
    lines = constant.tapped.lines
    costs = [chat.tapped.octets for chat in (plain, buckets, constant)]
    score, before = buckets.scores.message, plain.scores.message
    return [
        Claim(
            f"{BUCKETS.words}: the words",
            "fewer than without padding, and still more than one length",
            f"{score.right} of {score.of}, not {before.right}; {_lengths(buckets)}, not {len(plain.lengths)}",
            fewer(result.truth, buckets.guesses, plain.guesses) and 1 < len(buckets.lengths) < len(plain.lengths),
            buckets.tapped.lines[0].spans,
        ),
        Claim(
            f"{CONSTANT.words}: the lengths",
            "all messages and all names the same",
            _lengths(constant),
            len({line.length for line in (*lines, *constant.tapped.names)}) == 1,
            (*constant.tapped.names[0].spans, *lines[0].spans),
        ),
        _scored(f"{CONSTANT.words}: the words", constant.scores.message, lines[0].spans, leaks=False),
        Claim(
            f"{CONSTANT.words}: the names",
            "none of them",
            _names(constant),
            not any(constant.names),
            constant.tapped.names[0].spans,
        ),
        _scored(f"{CONSTANT.words}: who speaks", constant.scores.speaker, lines[0].spans, leaks=True),
        _scored(
            f"{CONSTANT.words}: who is answered",
            constant.scores.answer,
            (*lines[0].spans, *lines[1].spans),
            leaks=True,
        ),
        Claim(
            "what padding costs",
            "the more it hides, the more it costs",
            " < ".join(f"{octets:,}" for octets in costs) + " bytes",
            costs[0] < costs[1] < costs[2],
            lines[0].spans,
        ),
    ]


def _lengths(chat: Attacked) -> str:
    return f"{len(chat.lengths)} length{'' if len(chat.lengths) == 1 else 's'}"


def _details(result: Result) -> dict[str, Any]:
    def figures(score: Score) -> dict[str, float]:
        return {"right": score.right, "of": score.of, "expected_blindly": score.expected, "p_value": score.p_value}

    return {
        "chats": {
            padding.words: {
                "message": figures(chat.scores.message),
                "speaker": figures(chat.scores.speaker),
                "answer": figures(chat.scores.answer),
                "names": chat.names,
                "lengths": {str(length): count for length, count in sorted(chat.lengths.items())},
                "bytes": chat.tapped.octets,
            }
            for padding, chat in result.attacked.items()
        },
        "blind": asdict(result.blind),
        "ja3": _ja3(result.handshakes),
        "pictures": [path.name for path in result.pictures.files],
    }


def _ja3(shakes: Handshakes) -> dict[str, str]:
    programs: dict[str, Openly | None] = {"the lab's client": shakes.chat[0], "openssl s_client": shakes.openssl}
    return {program: seen.ja3_full for program, seen in programs.items() if seen is not None}
