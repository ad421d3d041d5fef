import io
from dataclasses import replace

from rich.console import Console

from lab.presentation import spans_text
from lab.scenarios.fakes.result import BASE64, CTR, ECB, LISTENED, RELAYED, TLS, XOR, Fakes
from lab.scenarios.fakes.walk import walks, with_number


def texts(fakes: Fakes, width: int = 200) -> list[str]:
    found = []
    for part in walks(fakes, 150):
        out = io.StringIO()
        Console(file=out, width=width, highlight=False).print(part)
        found.append(out.getvalue())
    return found


def test_each_attack_shows_its_numbers(faked: Fakes) -> None:
    base64, xor, ecb, ctr, rsa, closed = texts(faked)
    for name, text in ((BASE64, base64), (XOR, xor), (ECB, ecb), (CTR, ctr), (RELAYED, rsa)):
        (message,) = with_number(faked.row(name))
        assert message.text in text
        assert spans_text(message.sealed.spans) in text
    assert faked.xor.key is not None
    assert faked.xor.key.hex(":") in xor
    best = max(faked.xor.guesses, key=lambda guess: guess.rate)
    assert f"{best.length} bytes apart: {best.equal:>3} of {best.pairs} equal" in xor
    assert f"{faked.ecb.blocks} blocks crossed the wire, {faked.ecb.different} of them different" in ecb
    assert faked.ecb.repeat is not None
    assert faked.ecb.repeat.block.hex(":") in ecb
    assert f"{faked.ecb.book:,} blocks" in ecb
    for crib in faked.ctr.cribs[:3]:
        assert f"{spans_text(crib.spans)}: {crib.reaches} bytes" in ctr
    assert spans_text(faked.exchange.shown.spans) in rsa
    assert "and sends 0 bytes" in rsa
    for name in (LISTENED, TLS):
        assert spans_text(faked.row(name).line.spans) in closed


def test_the_blocks_of_the_codebook_stand_beside_their_text(faked: Fakes) -> None:
    (message,) = with_number(faked.row(ECB))
    ecb = texts(faked)[2]
    for at in range(0, len(message.text), 16):
        assert f"{message.sealed.data[at : at + 16].hex(':')}  {message.text[at : at + 16]}" in ecb


def test_the_secret_is_the_first_number(faked: Fakes) -> None:
    row = faked.row(BASE64)
    (message,) = with_number(row)
    assert "the PIN is" in message.text
    assert with_number(replace(row, messages=())) == []
