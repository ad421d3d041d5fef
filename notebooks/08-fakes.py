# %% [markdown]
# # 8. Fakes and tampering
#
# "I looked at it in Wireshark: it is nothing but noise." Does that prove anything? In the first half of this notebook
# seven chats look like noise, and you read five of them to the last word. In the second half nobody reads anything: an
# attacker only **changes** one bit on the way. Who notices? Takes about 25 minutes. Run each cell with Shift+Enter.
#
# > **Only here.** The attacks run against the lab's own server and clients on this machine's loopback, and the bad
# > ciphers are made for them. Never use one of them for anything, and never attack what is not yours.
#
# ## Predict first
#
# The same 24 messages cross seven times: in **base64**; with **XOR** under a key that repeats; with **AES-ECB**; with
# **AES-CTR** that starts every line with the same number (*nonce*); with **AES-GCM** whose keys were sent under an RSA
# key, once in peace and once with an attacker on the way; and over **TLS 1.3**.

# %%
from lab.notebook.predict import predict
from lab.scenarios.fakes import judge as about_fakes

q_random, q_listening, _ = about_fakes.QUESTIONS

prediction_random = None  # change me: one of the answers, in quotation marks
random = predict(q_random.text, prediction_random, q_random.options)
random

# %%
prediction_listening = None  # change me
listening = predict(
    "Five can be read: all but RSA in peace, and TLS. Which of the five by somebody who only listens?",
    prediction_listening,
    q_listening.options,
)
listening

# %% [markdown]
# Then, for the second half, what an attacker *without any key* can do:

# %%
from lab.scenarios.tamper import judge as about_tampering

_, q_xor, q_tls, q_drop, _ = about_tampering.QUESTIONS

prediction_xor = None  # change me
xor = predict(
    "One bit of a message sealed with XOR is flipped on the way. What does its reader get?",
    prediction_xor,
    list(map(str, q_xor.options)),
)
xor

# %%
prediction_tls = None  # change me
tls = predict(
    "One bit of a TLS record is flipped on the way. What does its reader get?",
    prediction_tls,
    list(map(str, q_tls.options)),
)
tls

# %%
prediction_drop = None  # change me
drop = predict(q_drop.text, prediction_drop, q_drop.options)
drop

# %% [markdown]
# ## Run it: the fakes

# %%
from lab.notebook.live import run

noise = run("scenario", "fakes")
noise

# %% [markdown]
# ## Look: is it noise?
#
# The longest line of the chat, seven times, as it stands in the capture. The words are the same. To the eye it is noise
# each time.
#
# `fakes` runs the attacks: it gets the capture and what anybody may know. It never gets a key of the two ends.

# %%
from lab.notebook.noise import beginnings, fakes
from lab.notebook.show import table

found = fakes(noise)
table(("chat", "the line begins", "where"), beginnings(found))

# %% [markdown]
# Let us ask a test, not the eye. If every byte value comes about equally often, the bytes *look random*. Here is how
# often each comes, in all that was sealed:

# %%
from lab.notebook import plots_attacks as plots
from lab.notebook.noise import sealed_lines

lines = sealed_lines(noise, found)
plots.spread(lines)

# %%
from lab.notebook.noise import looks

table(("chat", "one line looks random", "all lines look random", "messages read by an attacker"), looks(found))

# %% [markdown]
# Read this table slowly, it is the lesson.
#
# One line passes for nearly all: it is too short to betray what many lines have in common. All lines together betray
# the first four. But look at *RSA + AES-GCM, key swapped*. It passes every test, and it is read to the last word.

# %%
random.against(noise.verdict["answers"]["random"])

# %%
listening.against(noise.verdict["answers"]["listening"])

# %% [markdown]
# ## Look: base64 is no key
#
# base64 writes bytes with 64 letters, digits and signs. Whoever knows that undoes it. Here is the message with the
# secret, off the wire:

# %%
import base64

from chat.escape import visible
from lab.notebook.noise import the_secret
from lab.scenarios.fakes.result import BASE64, ECB, XOR

secret = the_secret(found, BASE64).sealed
print(visible(secret.data.decode()))
print(visible(base64.b64decode(secret.data).decode()))

# %%
from lab.report.widget import explore

explore(noise.capture, frames=[secret.spans[0].frame])

# %% [markdown]
# ## Look: XOR betrays the length of its key
#
# XOR combines each byte with one of the key, and after the last one the key begins again. Two bytes that lie the key's
# length apart had the same byte of the key. So they are equal as often as two letters of a text are, and that is often.
# Count, for each distance, how many bytes are equal:

# %%
plots.distances(found.xor)

# %% [markdown]
# The tall bars stand at the length of the key and its multiples. Then comes a **crib**: text that must stand somewhere.
# The server welcomes everybody in the same words. *Sealed bytes XOR known text = key.* The rest is one line:

# %%
from lab.scenarios.fakes.attacks import combined

key = found.xor.key
secret = the_secret(found, XOR).sealed
begin = secret.start % len(key)  # which byte of the key lies on the first byte of the line
print("key  ", key.hex(":"))
print("crib ", visible(found.xor.cribs[-1].text))
print("words", visible(combined(secret.data, key[begin:] + key * 100).decode()))

# %% [markdown]
# ## Look: AES-ECB seals equal blocks equally
#
# AES is a good cipher. In the mode ECB it is used badly: each block of 16 bytes is sealed on its own, always the same
# way. Below, a row is a line and a field is a block. Blocks that are equal have the same colour; what comes once is
# grey.

# %%
plots.blocks(lines[ECB])

# %% [markdown]
# The pairs are the server, which tells the same thing to two people. Nothing was decrypted, and you see who was told
# the same as whom. To *read*, the attacker joins the chat and says what the others may have said, the 10,000 PINs
# included. Then she looks their blocks up among her own.

# %%
print(f"{found.ecb.blocks} blocks, {found.ecb.different} different ones; {found.ecb.book:,} in her codebook")

# %% [markdown]
# ## Look: what was read

# %%
from lab.notebook.noise import secrets

table(("chat", "the attack", "sealed", "where", "read"), secrets(found))

# %% [markdown]
# The two last ones stay closed. In the one above them nothing is wrong with the encryption either. But nobody said
# *whose* public key it was, and the attacker on the way put in her own. Certificates are for this: notebook 6.
#
# > **The beginner's mistake:** "I cannot read it, so it is encrypted", and: "it looks random, so it is secure". What
# > counts is who has the key, and whether the cipher is used as it is meant to be. No look at the bytes tells you that.
#
# ## Run it: the tampering
#
# Now an attacker on the way, without any key. He leaves alice's messages alone, or does one of five things to one of them.
# Each is done to the chat in plaintext, with XOR, over TLS 1.2 and over TLS 1.3. The capture has both sides of him.

# %%
words = [
    "alice > Meet me at nine.",
    "alice > Pay Bob 100 euros.",
    "alice > Bring the blue folder.",
    "alice > Good night.",
]
changed = run("scenario", "tamper", words=words)
changed

# %% [markdown]
# ## Look: who notices
#
# Each field says what bob got, and who noticed.

# %%
from lab.notebook.tampering import grid
from lab.scenarios.tamper.changes import Transport

table(("on the way", *Transport), grid(changed.verdict))

# %%
xor.against(changed.verdict["answers"]["xor"])

# %%
tls.against(changed.verdict["answers"]["tls"])

# %% [markdown]
# Here is the flipped bit itself: the bytes around it as alice sent them and as they came out of the attacker's hands.
# In the explorer below, find the same byte in both frames. The second is not opened, though the keys are there: why?

# %%
from lab.notebook.tampering import bits

table(("transport", "where", "the bytes around it", "the byte", ""), bits(changed))

# %%
from lab.notebook.tampering import frames

explore(changed.capture, changed.keylog, frames=frames(changed.verdict, "TLS 1.3"))

# %% [markdown]
# ## What it means
#
# - **To hide is not to protect.** With XOR, and with AES-CTR just so, a bit flipped in the sealed byte is the same bit
#   flipped in the word. It takes no key.
# - **TLS notices.** Each record ends in a *tag* of 16 bytes, computed with the key from all its bytes. The receiver
#   computes it again. If it differs, nothing of the record is given out, the alert *bad_record_mac* goes back, and the
#   connection ends (RFC 8446, section 5.2).
# - **It also notices what comes twice, too late, or never.** Both sides count the records, and the number goes into the
#   tag. So a whole, untouched record in the wrong place does not open either.

# %%
drop.against(changed.verdict["answers"]["drop"])

# %% [markdown]
# One thing the tag cannot tell: that nothing more comes. Look at the row *chat cut short*. All that is missing is
# alice's goodbye (*close_notify*), and a program has to look for it.
#
# > **The beginner's mistake:** to choose a cipher mode and forget the tag. A cipher that hides and checks is called
# > AEAD; AES-GCM and ChaCha20-Poly1305 are such ones, and TLS 1.3 has no others.
#
# ## Change this line and see
#
# Be the attacker yourself. alice seals a line, you flip one bit of it *without the key*, bob opens it. As it stands,
# 100 euros become 900: `1` is 0x31 and `9` is 0x39, which differ in bit 3.
#
# First turn 100 into 500 (which bit?). Then put `AesCtrReused(key, nonce)` in place of `RepeatingXor(key)`: AES at
# last, does it help? Then `AesGcm(key)`.

# %%
from os import urandom

from lab.notebook.tampering import flip
from lab.scenarios.codecs import AesCtrReused, AesGcm, RepeatingXor

key, nonce = urandom(16), urandom(16)


def cipher():
    return RepeatingXor(key)  # change this line


table(("", ""), flip(cipher, "Pay Bob 100 euros.", byte=8, bit=3))

# %% [markdown]
# And go back to the cell with `words`: write your own, at least three different ones, and run the tampering again.
#
# ## Your exercises
#
# - Exercise 14: one flipped bit. Which one was it, who noticed, and how? `lab exercise 14`
#
# This was the last notebook. What is left is the capstone: a chat with ten weaknesses, yours to mend.
