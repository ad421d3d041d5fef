# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(12)
host, serial = exercise.values["host"], exercise.values["serial"]

# %%
# Make ca.pem, server.pem and server.key here or in a terminal. A line that begins with ! is one for the shell:
# !openssl version

# %%
# !openssl verify -x509_strict -purpose sslserver -verify_hostname {host} -CAfile ca.pem server.pem

# %%
exercise.check()
