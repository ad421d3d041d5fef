# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(8)
exercise.run()
stream = exercise.values["stream"]

# %%
# !tshark -r capture.pcapng -Y "tcp.stream == {stream} && tls.handshake.type == 1" -T fields -e tls.handshake.random

# %%
random = ""  # what the cell above has printed
# !grep -i "{random}" tls.keylog

# %%
# !tshark -r capture.pcapng -o tls.keylog_file:tls.keylog -Y "tcp.stream == {stream} && data" -T fields -e tcp.dstport -e data.data | while read to data; do echo "$$to: $(echo $$data | tr -d , | xxd -r -p)"; done

# %%
exercise.answer(
    random="",
    label="",
    secret="",
    message="",
    who="",
)
exercise.check()
