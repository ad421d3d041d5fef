"""Tampering: messages are changed, repeated, left out and swapped on the way, and who notices is read off the wire."""

from capture.keylog import read_keylog
from capture.readers import read_segments
from lab.scenario import messages
from lab.scenarios.running import run_in_time
from lab.scenarios.shape import Scenario, Setting
from lab.scenarios.tamper import page as tamper_page
from lab.scenarios.tamper.changes import draw
from lab.scenarios.tamper.judge import QUESTIONS, Result, judge
from lab.scenarios.tamper.read import read_cells
from lab.scenarios.tamper.run import record


def run(setting: Setting) -> Result:
    """Run every transport with every tampering at once, and read the capture.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    target = draw([said.text for said in messages(setting.steps)], setting.seed)
    recording = run_in_time(record(setting, target))
    segments = tuple(read_segments(setting.folder.capture, setting.reader))
    cells = read_cells(segments, recording, read_keylog(setting.folder.keylog))
    return Result(target, cells, recording.counters, setting.folder)


SCENARIO: Scenario[Result] = Scenario(
    name="tamper",
    title="Tampering",
    setting=(
        "alice tells bob a few things, and an attacker sits on the way between her and the server. He has no key. He "
        "flips one bit of one message as it passes, or sends the message twice, leaves it out, swaps it with the next "
        "one, or lets nothing pass from it on. All that is done to the chat in plaintext, with XOR (each byte combined "
        "with one of a secret key that is repeated as often as needed), over TLS 1.2 and over TLS 1.3. The capture has "
        "both sides of the attacker."
    ),
    questions=QUESTIONS,
    run=run,
    judge=judge,
    show=tamper_page.show,
    own_words=True,
)
