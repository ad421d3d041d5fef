# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(4)
exercise.run()

# %%
stream = exercise.values["stream"]
# !tshark -r capture.pcapng -Y "tcp.stream == {stream}" -T fields -e frame.number -e tcp.srcport -e tcp.payload | cut -c1-80

# %%
exercise.answer(
    frame=0,
    header="",
    content_type=0,
    length=0,
)
exercise.check()
