"""The one in the middle: a relay with its own certificate between client and server, and who lets it in.

Joins its parts, in the order of the run: who takes part (`cast`), what is captured (`run`), what the capture says
(`read`), what the textbook says (`judge`), the page (`page`).
"""

from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.streams import reassemble
from lab.scenarios.mitm.judge import QUESTIONS, judge
from lab.scenarios.mitm.page import show
from lab.scenarios.mitm.read import Result, read_cells
from lab.scenarios.mitm.run import record
from lab.scenarios.running import run_in_time
from lab.scenarios.shape import Scenario, Setting


def run(setting: Setting) -> Result:
    """Let all clients meet all certificates while it is captured, and read the capture.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    recording = run_in_time(record(setting))
    streams = reassemble(read_segments(setting.folder.capture, setting.reader))
    keys = read_keylog(recording.attacker), read_keylog(recording.server)
    return Result(setting.folder.capture, recording, read_cells(streams, recording.visits, recording.port, *keys))


SCENARIO: Scenario[Result] = Scenario(
    name="mitm",
    title="The one in the middle",
    setting=(
        "A relay of an attacker stands between the chat's clients and its server. It ends the client's TLS itself, "
        "under a certificate of its own, reads and changes what is said, and passes it on over a TLS of its own. Five "
        "clients meet it, each with another idea of whom to trust; to each it shows eight certificates. Everything "
        "that it reads is read here from the capture with the attacker's own keys, and nothing else."
    ),
    questions=QUESTIONS,
    run=run,
    judge=judge,
    show=show,
    keylog=False,  # there are two, the attacker's and the server's; the page says which one opens what
)
