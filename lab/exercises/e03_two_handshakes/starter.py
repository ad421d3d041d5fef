# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(3)
exercise.run()

# %%
# one line for each connection over TLS
# !tshark -r capture.pcapng -Y "tls.handshake.type == 1" -T fields -e tcp.stream -e frame.number

# %%
stream = 0  # put yours here
# !tshark -r capture.pcapng -Y "tcp.stream == {stream}" | head -20

# %%
exercise.answer(
    tcp="",
    client_hello=0,
    server_hello=0,
    encrypted=0,
    both="",
)
exercise.check()
