# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(1)
exercise.run()

# %%
# every frame with data: its number, its connection, the sender's port, the data in hex
# !tshark -r capture.pcapng -Y "tcp.len > 0" -T fields -e frame.number -e tcp.stream -e tcp.srcport -e tcp.payload

# %%
payload = "48 6f 6c 61 0a"  # put yours here
bytes.fromhex(payload.replace(":", "")).decode()

# %%
exercise.answer(
    who="",
    frame=0,
    payload="",
    words="",
)
exercise.check()
