# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(11)
exercise.run()
host = exercise.values["host"]

# %%
# !openssl x509 -in a.pem -noout -text

# %%
# !openssl verify -x509_strict -purpose sslserver -verify_hostname {host} -CAfile ca.pem -untrusted a.pem a.pem

# %%
exercise.answer(
    a="",
    b="",
    c="",
    d="",
    e="",
    f="",
    codes="",
)
exercise.check()
