# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(13)
exercise.run()

# %%
# !tshark -r capture.pcapng -Y tls -T fields -e frame.number -e frame.time_delta_displayed -e tcp.stream -e tcp.srcport -e tcp.dstport -e tls.record.length

# %%
# how long a sentence of the task is
sentence = exercise.values["a"]
len(sentence)

# %%
exercise.answer(
    length=0,
    pause=0,
    speaker=0,
    sentence="",
)
exercise.check()
