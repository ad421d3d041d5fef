"""What is said in the chats of the fakes: at each turn one of a few sentences, drawn, and a number of four digits.

All that may be said is public here, and the attacker may use it: which of it *was* said is the secret. Knows words
only; must not know: codecs, captures.
"""

import random

from lab.scenario import Join, Leave, ListUsers, Say, Step
from lab.scenarios.codecs import BLOCK

ALICE, BOB, CAROL, DAVE = "alice", "bob", "carol", "dave"
ERIN, MALLORY = "erin", "mallory"  # who come when the others have gone
# Its number stands at the end of its second block of 16 bytes; the first ends with the colon.
_PIN = "Write this down: the PIN is {pin}, and nobody else is to know it."
_PIN_BLOCK = _PIN.partition(",")[0][BLOCK:]

_TURNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (ALICE, ("Hello Bob, are we alone here?", "Bob, can you talk?", "Good evening Bob, is anybody with you?")),
    (BOB, ("Yes, go on.", "Nobody is here, go on.", "Sí, estoy solo. Go on.")),
    (ALICE, ("The painting is in the cellar.", "The parcel has arrived.", "The boat is ours, the papers are signed.")),
    (BOB, ("At last! Where is the key?", "Good news. How do I get in?", "¡Por fin! And the door?")),
    (ALICE, ("There is none, it opens with a number.", "You need four digits.", "It asks for a PIN.")),
    (BOB, ("I have pen and paper.", "Tell me, I am listening.", "Dime, te escucho.")),
    (ALICE, (_PIN,)),
    (BOB, ("Say that again, please.", "Once more, please?", "¿Puedes repetirlo?")),
    (ALICE, (_PIN,)),
    (BOB, ("¿Y si alguien nos está escuchando?", "And if somebody listens?", "Are you sure that nobody reads this?")),
    (
        ALICE,
        (
            "I looked at it in Wireshark: it is nothing but noise 🙂",
            "Nobody can: everything is encrypted, they told me so when they sold it.",
            "It looks like noise to everybody else 🙂",
        ),
    ),
    (CAROL, ("Hi, sorry I am late. What did I miss?", "Hello you two!", "¡Hola! ¿De qué habláis?")),
    (ALICE, ("Nothing, we were talking about the weather.", "Nothing much.", "Only about Bob's garden.")),
    (BOB, ("Mañana hará sol en Coruña, creo.", "It will rain again.", "Las hortensias están preciosas.")),
    (CAROL, ("When do we meet?", "Which day is it to be?", "¿Cuándo quedamos?")),
    (ALICE, ("On Monday at nine.", "On Thursday at half past ten.", "On Sunday at noon, as always.")),
    (CAROL, ("And where?", "Where?", "¿Dónde?")),
    (
        BOB,
        (
            "Behind the old station, where the tracks end: leave the car at the church, walk along the river, and "
            "whistle twice when you see the light in the window.",
            "In the café Zoë, at the table on the left that nobody sees from the street; if the blind is down, go on "
            "to the harbour and ask for Señora Peña.",
            "On the boat. Take the last ferry, do not speak to the man with the dog, and if anybody asks, you are "
            "here for the birds: cormorants, mostly, and a pair of herons.",
        ),
    ),
    (CAROL, ("Understood.", "I will be there.", "Allí estaré.")),
    (ALICE, ("Bring the suitcase.", "Bring both passports.", "Trae el dinero, todo.")),
    (BOB, ("Yes.", "Sí.", "Of course.")),
    (CAROL, ("Yes.", "Sí.", "Of course.")),
    (ALICE, ("Then good night.", "Buenas noches.", "Burn that paper. Good night!")),
    (BOB, ("Good night.", "Hasta mañana.", "Bye!")),
)

# Sentences that somebody who knows these people would try, the sentence with a number left out.
PHRASES = tuple(dict.fromkeys(phrase for _, phrases in _TURNS for phrase in phrases if phrase != _PIN))
NAMES = (
    *("alice", "anna", "bob", "carlos", "carol", "carmen", "dave", "david", "diana", "elena", "emma", "erin", "eva"),
    *("frank", "grace", "heidi", "ivan", "jack", "jorge", "judy", "laura", "lucas", "luis", "maria", "marta", "mike"),
    *("niaj", "nuria", "olivia", "oscar", "pablo", "peggy", "rupert", "sara", "sybil", "ted", "trent", "victor", "zoe"),
)
PINS = 10_000


def conversation(seed: int) -> tuple[Step, ...]:
    """Return who comes and says what: drawn, the same for the same seed. Dave comes, too, and only reads."""
    draw = random.Random(seed)  # noqa: S311 - nothing secret: a lesson that can be repeated
    pin = f"{draw.randrange(PINS):04}"
    said = [Say(who, draw.choice(phrases).format(pin=pin)) for who, phrases in _TURNS]
    late = next(at for at, step in enumerate(said) if step.who == CAROL)
    return (Join(ALICE), Join(BOB), Join(DAVE), *said[:late], ListUsers(ALICE), Join(CAROL), *said[late:])


def dictation(longest: int) -> tuple[Step, ...]:
    """Return what the attacker does to see it sealed: she comes, and says every name, every phrase and every PIN.

    The PINs come as the one block of 16 bytes that differs, as many to a line as fit. The sentence around it is said
    once: its other blocks are the same for all.

    Args:
        longest: bytes in the longest line that the chat takes.
    """
    blocks = [_PIN_BLOCK.format(pin=f"{pin:04}") for pin in range(PINS)]
    fit = longest // BLOCK
    lines = ["".join(blocks[at : at + fit]) for at in range(0, PINS, fit)]
    said = (*NAMES, *PHRASES, _PIN.format(pin="0000"), *lines)
    return (Join(MALLORY), ListUsers(MALLORY), *(Say(MALLORY, line) for line in said), Leave(MALLORY))
