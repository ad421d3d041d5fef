# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(7)
exercise.run()

# %%
# every ServerHello, and the version in its extension supported_versions, where there is one
# !tshark -r capture.pcapng -Y "tls.handshake.type == 2" -T fields -e frame.number -e tcp.stream -e tls.handshake.extensions.supported_version

# %%
# the lengths of all records that servers send
# !tshark -r capture.pcapng -Y "tls && tcp.srcport < 32000" -T fields -e frame.number -e tcp.stream -e tls.record.length | head -20

# %%
exercise.answer(
    frame=0,
    serial="",
    name="",
    hidden=0,
    sni="",
)
exercise.check()
