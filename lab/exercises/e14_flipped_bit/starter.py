# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(14)
exercise.run()

# %%
# !tshark -r capture.pcapng -q -z conv,tcp

# %%
# !tshark -r capture.pcapng -o tls.keylog_file:tls.keylog -Y tls -T fields -e frame.number -e tcp.stream -e _ws.col.Info

# %%
before, after = 0x00, 0x00  # the byte as it was sent, and as it came
f"{before ^ after:02x}"

# %%
exercise.answer(
    arrived="",
    frame=0,
    mask="",
    record_frame=0,
    alert_frame=0,
    why="",
)
exercise.check()
