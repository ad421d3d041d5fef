# %% [markdown]
# # 7. What still leaks
#
# The certificate is right, the keys are safe, nobody is in the middle. Now TLS hides every word. It does not hide **how
# long** the words are, **who** sends them, and **when**. In this notebook you read an encrypted chat without any key.
# Takes about 20 minutes; the run itself takes six seconds, as people need time to answer. Run each cell with
# Shift+Enter.
#
# > **Only here.** What is listened to is the lab's own chat, on this machine's loopback. Lengths and times of other
# > people's traffic are theirs, encrypted or not.
#
# ## Predict first
#
# Four people say 200 messages, drawn by chance from a public list of 48 phrases. The attacker knows the list and the
# four names, and has the capture. There is no key, and nothing is broken. The same conversation runs three times at
# once: as it is; with every record padded to a multiple of 32 bytes; with all records of one size. *Padding* is zeros
# that are encrypted along with the words and taken off by the receiver (RFC 8446, section 5.4).

# %%
from lab.notebook.predict import predict
from lab.scenarios.leaks.judge import QUESTIONS

prediction_named = None  # change me: one of the answers, in quotation marks
named = predict(QUESTIONS[0].text, prediction_named, QUESTIONS[0].options)
named

# %%
prediction_hidden = None  # change me
hidden = predict(QUESTIONS[1].text, prediction_hidden, QUESTIONS[1].options)
hidden

# %%
prediction_price = None  # change me
costs = predict(QUESTIONS[2].text, prediction_price, QUESTIONS[2].options)
costs

# %%
prediction_certificate = None  # change me
certificate = predict(QUESTIONS[3].text, prediction_certificate, QUESTIONS[3].options)
certificate

# %% [markdown]
# ## Run it

# %%
from lab.notebook.live import run

talk = run("scenario", "leaks")
talk

# %% [markdown]
# ## Look: what the attacker has
#
# From here on you are the attacker. `attacked` finds the three chats in the capture and attacks them. Whatever it says,
# it says from the length of each record, from its connection and from its time; what was really said is only used to
# count how often that was right. Here are the first records of the chat that does not pad. One mark is one message.

# %%
from lab.notebook.leaking import attacked, by_speaker
from lab.notebook.plots import over_time
from lab.scenarios.leaks.result import NONE

found = attacked(talk)
over_time(by_speaker(found[NONE], 40), time="seconds since the first message", length="bytes in the record")

# %% [markdown]
# You can see this in Wireshark without any key. tshark shows the same: frame, connection (`tcp.stream`) and length of
# each encrypted record from a client (`tls.record.length`).

# %%
port = found[NONE].tapped.port
start = found[NONE].tapped.lines[0].spans[0].frame
wanted = f"tcp.dstport == {port} && tls.record.opaque_type == 23 && frame.number >= {start}"
# !tshark -r "{talk.capture}" -Y "{wanted}" -Tfields -e frame.number -e tcp.stream -e tls.record.length 2>/dev/null | head -8

# %% [markdown]
# ## Look: from lengths to words
#
# In TLS 1.3 a record is 17 bytes longer than what it hides: one byte that says what kind of record it is, and 16 bytes
# that prove that nobody changed it. So the attacker subtracts 17, and looks up which phrases have that many bytes, line
# feed included. Where one phrase fits, it is named. Where several fit, one of them is drawn.

# %%
from lab.notebook.leaking import heard, truth
from lab.notebook.show import table

said = truth(talk)  # what was really said: only to see afterwards who was right
table(("where", "bytes", "phrases that fit", "the attacker says", "right?"), heard(found[NONE], said, 15))

# %%
named.against(talk.verdict["answers"]["named"])

# %% [markdown]
# > **The beginner's mistake:** to count letters. On the wire there are *bytes*: `ñ` has two of them in UTF-8, and `🙂`
# > has four. So `I love you 🙂`, 12 characters, is 15 bytes; with its line feed and the 17 of TLS the record has 33.
#
# Look at one record with your own eyes. In the explorer, find the two bytes of the length. They are in the clear, right
# before the encrypted bytes.

# %%
from lab.report.widget import explore

explore(talk.capture, frames=[start])

# %% [markdown]
# ## Look: from times to answers
#
# Who answers whom? An answer comes after a short pause, a new subject after a longer one. The attacker is not told
# where the limit is. The pauses fall into two groups, and the limit comes out between them.

# %%
from lab.notebook import plots_attacks as plots
from lab.scenarios.leaks.guess import threshold_ns

limit = threshold_ns([line.time_ns for line in found[NONE].tapped.lines])
plots.pauses(found[NONE], limit)

# %% [markdown]
# ## Look: what padding hides, and what it costs

# %%
plots.lengths(found)

# %% [markdown]
# Without padding there are many lengths, and a length is nearly a name. With one length for all there is nothing left
# to look up. The last column says how many are right by blind guessing.

# %%
from lab.notebook.leaking import scores

table(("", *(padding.words for padding in found), "by guessing"), scores(found))

# %% [markdown]
# Now read the two lower rows. Padding did nothing there. Who speaks is the *connection*, who answers is the *time*, and
# no padding touches either.

# %%
hidden.against(talk.verdict["answers"]["hidden"])

# %%
octets = {padding.words: chat.tapped.octets for padding, chat in found.items()}
table(("", "bytes of TLS", "times"), [(words, n, f"{n / octets[NONE.words]:.2f}") for words, n in octets.items()])

# %%
costs.against(talk.verdict["answers"]["price"])

# %% [markdown]
# ## Look: what the handshake says to everybody
#
# Before the first word, client and server have told a good deal in the clear.

# %%
from lab.notebook.claims import claimed

table(("what", "what anybody reads", "where"), claimed(talk.verdict, "the server's name", "TLS 1.", "JA3"))

# %%
certificate.against(talk.verdict["answers"]["certificate"])

# %% [markdown]
# - **SNI**: the name of the server that the client asks for (RFC 6066, section 3), in TLS 1.3 too. That is how a
#   network knows which site you visit.
# - **Certificate**: TLS 1.2 sends it in the clear, TLS 1.3 encrypts it.
# - **JA3**: a fingerprint of the *program*, made of what its ClientHello offers. The lab's client always has the same
#   one, and `openssl` has another (where it is installed).
# - **Ticket**: what a client brings to be recognised and to save a part of the handshake. Who brings the same bytes is
#   the same person, from whatever address.
#
# ## What it means
#
# - **TLS hides content, not traffic.** Length, time, direction and who talks with whom stay. Often that is the whole
#   secret: that somebody called the doctor, the lawyer, the newspaper.
# - **A short list is hidden badly.** Yes or no, a page of a site, a keystroke, a phrase: if few things can be said and
#   they have different lengths, the length says it.
# - **Padding works on lengths alone**, and costs bytes. Against times and connections it takes other means: constant
#   traffic, or many people behind one connection, as in Tor.
#
# > **The beginner's mistake:** to say "TLS leaks". The encryption is not broken, and not one byte was decrypted. It
# > never promised to hide lengths.
#
# ## Change this line and see
#
# How much padding is enough for these phrases? No run is needed, it can be computed. Each point is a size of block.
# Where would you stop paying?

# %%
from lab.notebook.leaking import padded
from lab.scenarios.leaks.talk import PHRASES

blocks = [1, 4, 8, 16, 32, 64, 128]  # change this line
choices = [padded(PHRASES, block, found[NONE].tapped.overhead) for block in blocks]
plots.price(choices)

# %% [markdown]
# And how good is *your* list? Write phrases of your own, and see which of them nobody could tell apart. Can you find
# five that have the same length, and would you say them?

# %%
from lab.scenarios.leaks.guess import fitting, sealed_length

mine = ["yes", "no", "sí", "maybe", "never", "mañana", "I love you", "I love you 🙂"]  # change this line
sizes = {phrase: sealed_length(phrase, found[NONE].tapped.overhead, 1) for phrase in mine}
others = {phrase: fitting(sizes[phrase], mine, found[NONE].tapped.overhead, 1) for phrase in mine}
table(("phrase", "bytes in the record", "what it may be"), [(p, sizes[p], " | ".join(others[p])) for p in mine])

# %% [markdown]
# ## Your exercises
#
# - Exercise 13: sizes and times. What can be said of an encrypted chat without any key? `lab exercise 13`
#
# Next: notebook 8. Bytes that look like noise are not always encrypted, and what is encrypted can still be changed.
