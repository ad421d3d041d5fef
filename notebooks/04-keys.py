# %% [markdown]
# # 4. Keys and forward secrecy: who can read it later?
#
# Somebody captures an encrypted chat today and keeps the file. They cannot read it. But keys get lost: a server is broken
# into, a backup is found, an old disk is sold. What opens the recording next year? You will see it measured, and be the
# thief yourself. It takes 25 minutes. Run each cell with Shift+Enter.
#
# Three people have the same capture:
#
# - **the eavesdropper** has the capture and nothing else;
# - **the thief** has stolen the server's private key, the one that belongs to its certificate, after the chat was over;
# - **the holder of the key log** has the file in which the server has noted the secrets of each connection.
#
# The same chat is held in four ways:
#
# | | how the two sides come to a secret | what then hides the words |
# |---|---|---|
# | TLS 1.2, RSA | the client draws it and sends it, encrypted to the server's key | AES-128-GCM |
# | TLS 1.2, ECDHE | each side makes a new pair of keys and sends the public one | AES-128-GCM |
# | TLS 1.3, AES | the same | AES-256-GCM |
# | TLS 1.3, ChaCha20 | the same | ChaCha20-Poly1305 |
#
# All four servers show the same certificate and have the same RSA key.

# %% [markdown]
# ## Predict first
#
# Change `None` to what you expect.

# %%
from lab.notebook.predict import predict
from lab.scenarios.keys.verdict import QUESTIONS

stolen_question, keylog_question, cipher_question = QUESTIONS

prediction_a = None  # change me
by_thief = predict(stolen_question.text, prediction_a, stolen_question.options)
by_thief

# %%
prediction_b = None  # change me
with_keylog = predict(keylog_question.text, prediction_b, keylog_question.options)
with_keylog

# %%
prediction_c = None  # change me
by_cipher = predict(cipher_question.text, prediction_c, cipher_question.options)
by_cipher

# %% [markdown]
# ## Run it
#
# This is what `make demo-keys` runs: the lab's own server and clients, on this machine, captured on the way.

# %%
from lab.notebook.live import run

keys = run("scenario", "keys")
keys

# %%
from lab.notebook.conversations import conversations
from lab.notebook.show import table

chats = conversations(keys)
table(
    ("chat", "cipher suite", "connections", "messages sent"),
    [(chat.name, chat.suite, len(chat.streams) // 2, chat.sent) for chat in chats],
)

# %% [markdown]
# ## The matrix
#
# One function reads a chat: it opens the connections with the secrets that it is given, and counts the messages in what is
# then readable. It is told neither how many there are nor what they say.

# %%
from lab.overhear import overhear
from lab.sessions import sessions


def messages_read(streams, secrets):
    return sum(len(overhear(session.readable)) for session in sessions(streams, secrets))


# %% [markdown]
# Now each of the three tries it on each chat. The thief's secrets are what the private key gives; further down you find them
# yourself.

# %%
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from capture.keylog import read_keylog
from lab.notebook.conversations import secrets_of_thief

read = []
for chat in chats:
    stolen_key = load_pem_private_key(chat.key.read_bytes(), password=None)
    thief = secrets_of_thief(chat.streams, stolen_key)
    all_three = (None, thief, read_keylog(chat.keylog))
    read.append([messages_read(chat.streams, secrets) for secrets in all_three])

# %%
from lab.notebook.plots_tls import matrix

people = ["the eavesdropper", "the thief", "the holder of the key log"]
matrix([chat.name for chat in chats], people, read, [chat.sent for chat in chats])

# %% [markdown]
# The column in the middle is the lesson. The same private key opens everything in the first row and nothing below it. The
# certificate is the same. In the two rows of TLS 1.2 even the cipher is the same. So it is not the cipher.
#
# > **The beginner's mistake:** "the private key decrypts the traffic". It does so only where something was encrypted *to* it.
# > Many people give Wireshark the server's key, see nothing, and look for the fault in Wireshark.
#
# The scenario has measured the same on its own. Here is what you predicted:

# %%
by_thief.against(keys.verdict["answers"]["stolen"])

# %%
with_keylog.against(keys.verdict["answers"]["keylog"])

# %%
by_cipher.against(keys.verdict["answers"]["cipher"])

# %% [markdown]
# ## Look
#
# How did each chat come to its secret? That stands in the clear part of the handshake, and anybody can see it. Here is the
# first connection of each chat.

# %%
from capture.stolen import key_exchange

first = {chat.name: sessions(chat.streams, None)[0] for chat in chats}
exchanges = {name: key_exchange(one.client, one.server) for name, one in first.items()}
table(
    ("chat", "stands in", "bytes", "they begin with", "where"),
    [
        (name, share.message, len(share.data), share.data[:12], share.spans[0])
        for name, exchange in exchanges.items()
        for share in exchange.shares
    ],
)

# %% [markdown]
# With RSA the client sends one thing, as long as the server's key: 2048 bits, 256 bytes. It *is* the secret, encrypted. With
# the others each side sends a public key, and the secret is nowhere.
#
# These are the 256 bytes in their frame. Look for *Encrypted PreMaster* in the fields.

# %%
from lab.report.widget import explore

rsa, ecdhe = chats[0], chats[1]
[encrypted] = exchanges[rsa.name].shares
explore(rsa.capture, rsa.keylog, frames=[encrypted.spans[0].frame])

# %% [markdown]
# ## Be the thief
#
# The chat is over and the key is stolen. The first step is one line: decrypt these 256 bytes (RFC 5246, section 7.4.7.1).

# %%
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

stolen_key = load_pem_private_key(rsa.key.read_bytes(), password=None)
premaster = stolen_key.decrypt(encrypted.data, PKCS1v15())
print(len(premaster), "bytes:", premaster.hex())

# %% [markdown]
# 48 bytes that begin with `0303`, the version number of TLS 1.2. The client drew the other 46 by chance and sent them to
# nobody but the server. This is the *premaster secret*. Hashed with what the handshake says in the clear, it gives the
# *master secret*, and that is what a key log holds. `capture/stolen.py` does the hashing.

# %%
from capture.stolen import recover

found = [recover(one.client, one.server, stolen_key) for one in sessions(rsa.streams, None)]
print("the same premaster secret:", found[0].premaster == premaster)

lines = [f"CLIENT_RANDOM {one.client_random.hex()} {one.master.hex()}" for one in found]
print("\n".join(f"{line[:90]}…" for line in lines))

# %% [markdown]
# The thief has written a key log that nobody ever gave away. Does it work? tshark knows nothing of the lab; it gets this
# file and no other.

# %%
from lab import shell

thiefs_keylog = keys.folder / "thief.keylog"
thiefs_keylog.write_text("\n".join(lines) + "\n")
command = shell.decrypted_fields(rsa.capture, thiefs_keylog, rsa.port)

# !exec 2>/dev/null; {command} | head -7

# %% [markdown]
# ## And with ECDHE?
#
# The thief has the same key, and this capture too. But there is nothing to decrypt. Both sides do what the next cell does:
# each makes a private key, sends the public one that belongs to it, and mixes its own private key with the other's public
# one. Both get the same secret, and it never travels.

# %%
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

client, server = X25519PrivateKey.generate(), X25519PrivateKey.generate()
print("the client works out", client.exchange(server.public_key()).hex())
print("the server works out", server.exchange(client.public_key()).hex())

# %% [markdown]
# Now the thief takes the two public keys from the recorded handshake. One of the two private keys would be needed; both were
# in memory only and were thrown away. A private key of the thief's own gives a secret, but not theirs:

# %%
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

shares = exchanges[ecdhe.name].shares
of_server, of_client = (X25519PublicKey.from_public_bytes(share.data) for share in shares)
thiefs_own = X25519PrivateKey.generate()
print("with the server's:", thiefs_own.exchange(of_server).hex())
print("with the client's:", thiefs_own.exchange(of_client).hex())

# %% [markdown]
# And the stolen RSA key, what was it for? It *signed* the server's public key, so that the client knows whose it is. The
# signature covers both randoms of the hellos and the key (RFC 5246, section 7.4.3; RFC 8422, section 5.4). It proves who
# somebody is. It hides nothing.

# %%
from capture.hello import client_hello, server_hello
from capture.tls import SERVER_KEY_EXCHANGE, first_messages

session = first[ecdhe.name]
bodies = {one.msg_type: one.body for one in first_messages(session.server.records)}
body = bodies[SERVER_KEY_EXCHANGE]
end = 4 + body[3]  # type of curve (1), which curve (2), length (1), the public key
randoms = client_hello(session.client).random + server_hello(session.server).random
signed, algorithm, signature = randoms + body[:end], body[end : end + 2], body[end + 4 :]
print(f"signed: {len(signed)} bytes; algorithm: 0x{algorithm.hex()}; signature: {len(signature)} bytes")

# %% [markdown]
# `0804` is RSA-PSS with SHA-256 (RFC 8446, section 4.2.3). We check it with the *public* half of the key, as the client did.
# If it did not fit, the cell would end with `InvalidSignature`.

# %%
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256

public = load_pem_private_key(ecdhe.key.read_bytes(), password=None).public_key()
public.verify(signature, signed, PSS(MGF1(SHA256()), SHA256.digest_size), SHA256())
print("The signature is the server's.")

# %% [markdown]
# Somebody else's opinion: tshark is given the private key itself, once for the chat with RSA, once for the one with ECDHE.

# %%
from lab.scenarios.keys.page import with_private_key

on_rsa = with_private_key(rsa.capture, rsa.key, rsa.port)
on_ecdhe = with_private_key(ecdhe.capture, ecdhe.key, ecdhe.port)

# !exec 2>/dev/null; echo "RSA:"; {on_rsa} | head -7
# !exec 2>/dev/null; echo "ECDHE: $( {on_ecdhe} | wc -c ) bytes of words"

# %% [markdown]
# ## What it means
#
# - With **RSA key exchange** the secret lies in the capture like a letter in a safe. Whoever gets the key, even years later,
#   opens every chat that was ever sent to it.
# - With **ECDHE**, and in every full handshake of **TLS 1.3**, the secret is not in the capture, and what could work it out is
#   gone. That is **forward secrecy**: a key stolen tomorrow opens nothing of today. TLS 1.3 has no RSA key exchange any more.
# - The **key log** opens all of them, as it holds the secrets themselves. It is made for looking for faults. Whoever sets
#   `SSLKEYLOGFILE` on your machine reads what your browser says.
# - Forward secrecy is about the past. From now on the thief can pretend to be the server: notebook 6.
#
# ## Change this line and see
#
# A key log has one line for a connection of TLS 1.2, and several for one of TLS 1.3. Which of them matter? Below, all lines
# with one label are taken away. Run it, then try `EXPORTER_SECRET`, then `CLIENT_RANDOM`. Predict the four numbers each time.

# %%
left_out = "CLIENT_TRAFFIC_SECRET_0"  # change this line


def without(secrets, label):
    return {line: secret for line, secret in secrets.items() if line[0] != label}


kept = [without(read_keylog(chat.keylog), left_out) for chat in chats]
counted = [messages_read(chat.streams, secrets) for chat, secrets in zip(chats, kept, strict=True)]
table(("chat", f"messages read without {left_out}"), zip([chat.name for chat in chats], counted, strict=True))

# %% [markdown]
# Careful with a 0: `messages_read` opens a connection wholly or not at all. tshark opens each direction by itself. It gets
# the same shortened key log; what does it still read of the first chat over TLS 1.3, and which side has said that?

# %%
shortened, tls13 = keys.folder / "shortened.keylog", chats[2]
every_line = tls13.keylog.read_text().splitlines(keepends=True)
shortened.write_text("".join(line for line in every_line if not line.startswith(f"{left_out} ")))
command = shell.decrypted_fields(tls13.capture, shortened, tls13.port)

# !exec 2>/dev/null; {command} | head -7

# %% [markdown]
# The server tells each message to the others. So without the clients' secret the words are read all the same, in its copies.

# %% [markdown]
# ## Your exercises
#
# - Exercise 8: find the right line of a key log and decrypt. `lab exercise 8`
# - Exercise 9: the stolen key. `lab exercise 9`
