# %% [markdown]
# # 6. Trust, and the one in the middle
#
# TLS keeps out whoever **listens**. Does it keep out whoever **answers**? An attacker's relay stands between the chat's
# clients and its server. It ends the client's TLS itself, under a certificate of its own, and speaks a second TLS with
# the server. In between it has the words in plaintext. Whether that works is decided by the client alone, when it looks
# at the certificate. You will see which clients let it in, and read what it reads. Takes about 20 minutes. Run each
# cell with Shift+Enter.
#
# > **Only here.** Server, clients and attacker are the lab's own, on this machine's loopback. To stand in the middle of
# > other people's connections is a crime nearly everywhere, also "just to try it".
#
# ## Predict first
#
# Five clients meet eight certificates:
#
# | client | what it checks |
# |---|---|
# | *verifies nothing* | nothing. It is the client of many courses: `verify_mode = CERT_NONE`, "to make it work" |
# | *strict* | a CA that it trusts has signed, the name, the dates, and the CA's list of revoked certificates |
# | *skips the name* | all that, but not the list, and not for whom the certificate was made (`check_hostname = False`) |
# | *trusts a rogue CA* | a CA, the name, the dates; but somebody made it trust the attacker's CA, too |
# | *pins the key* | asks no CA. It knows the server's key and takes no other |
#
# Answer three questions before you run anything. A wrong guess teaches more than a right one.

# %%
from lab.notebook.predict import predict
from lab.scenarios.mitm.judge import QUESTIONS

first, second, third = QUESTIONS

prediction_name = None  # change me: one of the answers, in quotation marks
name = predict(first.text, prediction_name, first.options)
name

# %%
prediction_revoked = None  # change me
revoked = predict(second.text, prediction_revoked, second.options)
revoked

# %%
prediction_genuine = None  # change me
genuine = predict(third.text, prediction_genuine, third.options)
genuine

# %% [markdown]
# ## Run it
#
# Every client meets every certificate, over TLS 1.3 and once more over TLS 1.2: 80 connections. Each client says the
# same two things, if it says anything.

# %%
from lab.notebook.live import run

relay = run("scenario", "mitm")
relay

# %% [markdown]
# ## Look: who lets the middle in
#
# A row is a certificate that the relay shows, a column is a client. *2 read* means: the relay's own keys, and nothing
# else, open both messages in the capture. Behind a ✘ stands the check that stopped it.

# %%
from lab.notebook.show import table
from lab.notebook.trust import grid
from lab.scenarios.mitm.cast import Who

table(("the relay shows", *Who), grid(relay.verdict))

# %%
from lab.notebook import plots_attacks as plots
from lab.notebook.trust import fooled

plots.fooled(fooled(relay.verdict), most=7)

# %% [markdown]
# The first client is encrypted from beginning to end. It is encrypted *for the attacker*. A lock on the door helps
# little if you open to everybody who knocks.
#
# Look at the row *genuine*. Anybody can show the server's certificate: it is public, the server sends it to everybody.
# But to answer under it takes the server's private key. The relay has not got it and can only pass the bytes on.

# %%
genuine.against(relay.verdict["answers"]["genuine"])

# %% [markdown]
# Now the row *wrong name*. The certificate is genuine, a CA signed it, it is valid today. It was made for
# `mallory.example`, and the client wanted `localhost`. Everybody can have a genuine certificate for a name of their
# own.

# %%
name.against(relay.verdict["answers"]["name"])

# %% [markdown]
# And *revoked*: the server's key was stolen, and the CA has taken the certificate back. Nothing is wrong with it
# otherwise. The CA writes this on a list (CRL), and only a client that was given the list knows. Neither Python nor
# OpenSSL fetches one by itself.

# %%
revoked.against(relay.verdict["answers"]["revoked"])

# %% [markdown]
# ## Look: what the middle reads, and writes
#
# Take the client that verifies nothing, before a certificate that the attacker made himself in a moment.

# %%
from lab.notebook.trust import frames, meeting, overheard

careless = meeting(relay.verdict, "verifies nothing", "self-signed")
table(("alice sends", "which stands in", "the server gets", "which stands in"), overheard(careless))

# %% [markdown]
# Compare the second row with care. Nobody was told: alice's TLS is whole, the server's TLS is whole, and both are with
# the relay. TLS protects the two *connections*. That they end at the right people is what the certificate is for.
#
# Below are these frames, byte by byte, opened with the attacker's keys (`attacker.keylog`; the server's and the
# client's are not used). Choose a frame, then point at the encrypted bytes and at what they hold.

# %%
from lab.report.widget import explore

attacker = relay.folder / "attacker.keylog"
explore(relay.capture, attacker, frames=frames(careless))

# %% [markdown]
# Do not take the lab's word for it. tshark was written by other people; give it the attacker's keys and the frame in
# which alice's money goes, and look below "Decrypted TLS". Then write `careless["arrived"]` in place of
# `careless["read"]` and run the cell again: what does the server get?

# %%
frame = careless["read"][-1]["spans"][0]["frame"]  # change this line
# !tshark -r "{relay.capture}" -o "tls.keylog_file:{attacker}" -Y "frame.number == {frame}" -x 2>/dev/null | grep -A9 "^Decrypted"

# %% [markdown]
# ## Look: how a client says no
#
# The strict client refuses seven of eight. The number is OpenSSL's verify code (`man openssl-verification-options`, and
# `X509_V_ERR_…` in its headers). Then it tells the other side, in an *alert* (RFC 8446, section 6.2).

# %%
from lab.notebook.trust import refusals

table(("certificate", "why, by its own account", "the alert that it sends", "where"), refusals(relay.verdict, "strict"))

# %% [markdown]
# All these alerts cross the wire *in the clear*, in TLS 1.3 too: OpenSSL's client refuses before it begins to encrypt.
# Whoever listens learns that a client has met a false certificate, and what was wrong with it. (Other programs may
# encrypt it.)
#
# There is no alert "wrong name". The client sends what comes closest. So do not guess the cause from the alert; ask the
# client for its verify code.
#
# The client that pins the key is quite another case. TLS itself found nothing wrong, the handshake came to its end.
# Then the client compared the key, and left with a polite, encrypted goodbye.

# %%
table(("certificate", "why", "the alert", "where"), refusals(relay.verdict, "pins the key"))

# %% [markdown]
# ## What it means
#
# - **Encrypted is not safe.** Encryption says that nobody *else* reads along. The certificate says who the one at the
#   other end is. Without the second the first is worth nothing against whoever stands in the middle.
# - **Each check is there for one attack.** Leave one out, and exactly that attack works. The column *skips the name*
#   falls for the wrong name, and the column *trusts a rogue CA* for whatever that CA signs.
# - **The middle has to be there.** It must sit on the way and answer. It leaves traces: another key, another
#   certificate. Who only listens leaves none.
# - **Pinning needs no CA**, and it has its price. When the server gets a new key, each client has to be told.
#
# > **The beginner's mistake:** an error `certificate verify failed`, a search on the web, and the line `verify_mode =
# > ssl.CERT_NONE`. The error goes away, and so does everything that TLS was for. The cure is to give the client the
# > right CA: `create_default_context(cafile="ca.pem")`.
#
# ## Change this line and see
#
# Build a client of your own. `client_context` is the careful one; one line spoils it. It then looks at eight new
# certificates of the same kinds. (The handshakes are real; client and server are joined in memory.)
#
# Predict, then try, one after the other:
#
# 1. `True` in place of `False`: the careful client. Which false certificate does even this one accept? What would it
#    have to be given to refuse it?
# 2. A second line below the first: `context.verify_mode = ssl.CERT_NONE`.
# 3. That line alone, without the first. What does Python say, and why is that wise?

# %%
import ssl

from certs.contexts import client_context
from lab.notebook.trust import ask


def mine(ca):
    context = client_context(ca)
    context.check_hostname = False  # change this line
    return context


table(("certificate", "your client"), ask(mine))

# %% [markdown]
# ## Your exercises
#
# - Exercise 10: be in the middle of the careless client, and read what passes. `lab exercise 10`
# - Exercise 11: the certificate clinic. What is wrong with each, and which check finds it? `lab exercise 11`
#
# Each is done against the lab's own server and clients. When you think you have it, `lab check 10` says whether you do.
#
# Next: notebook 7. The certificate is right, the keys are safe, nobody stands in the middle. What can still be read?
