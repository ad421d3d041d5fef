"""What a hand-in may hold, and what is said, in each language, of that which could not be taken.

Knows limits and sentences; must not know how a hand-in is taken apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from capture.explanations import Language

ENTRIES = 5000  # what a hand-in lists, refused things included
FILES = 500
FILE = 32 << 20  # bytes of a file
TOTAL = 64 << 20  # bytes of a hand-in, unpacked
DEPTH = 8  # names in a path, the file's own included
NAME = 120  # bytes of one name, in UTF-8


@dataclass(frozen=True, slots=True)
class Problem:
    """Something of a hand-in that could not be taken.

    Attributes:
        code: which sentence says so.
        about: what stands in it: the name of the thing, or how many.
    """

    code: str
    about: str = ""


# of a hand-in as a whole
_SENTENCES: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "nothing": "Nothing was handed in.",
        "empty": "{} is empty.",
        "neither": "{} is neither a zip nor a folder: one of them is needed.",
        "no_zip": "{} cannot be opened: it is no zip, or it was cut short on its way.",
        "entries": f"Only the first {ENTRIES} things in it were looked at.",
        "files": f"Only the first {FILES} files were taken.",
        "more": "And {} more.",
        "ended": "Examining it ended the grader's process ({}).",
    },
    "es": {
        "nothing": "No se ha entregado nada.",
        "empty": "{} está vacío.",
        "neither": "{} no es un zip ni una carpeta: hace falta una de las dos cosas.",
        "no_zip": "{} no se puede abrir: no es un zip, o se ha cortado por el camino.",
        "entries": f"Solo se han mirado los primeros {ENTRIES} elementos.",
        "files": f"Solo se han aceptado los primeros {FILES} archivos.",
        "more": "Y {} más.",
        "ended": "Al examinarlo se ha cerrado el proceso que evalúa ({}).",
    },
}
# of a thing in it: why it is left out
_REASONS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "link": "it is a link",
        "pipe": "it is a pipe",
        "socket": "it is a socket",
        "device": "it is a device",
        "no_file": "it is no plain file",
        "locked": "it is locked with a password",
        "packing": "it is packed in an unusual way; only the usual one (deflate) is read",
        "shared": "it shares bytes of the zip with another file",
        "unreadable": "it cannot be read, or is damaged",
        "absolute": "its path must not begin with a slash or a drive",
        "outside": "its path leads out of the folder",
        "characters": "its name holds characters that names should not hold",
        "deep": f"more than {DEPTH - 1} folders lie inside each other",
        "long": f"a name in its path is longer than {NAME} bytes",
        "same": "another one has the same name, or one that differs in capitals only",
        "large": f"it is larger than {FILE >> 20} MiB",
        "total": f"all together is larger than {TOTAL >> 20} MiB",
        "no_such_name": "this system has no such names",
    },
    "es": {
        "link": "es un enlace",
        "pipe": "es una tubería",
        "socket": "es un socket",
        "device": "es un dispositivo",
        "no_file": "no es un archivo normal",
        "locked": "está protegido con contraseña",
        "packing": "está comprimido de una forma poco común; solo se lee la habitual (deflate)",
        "shared": "comparte bytes del zip con otro archivo",
        "unreadable": "no se puede leer o está dañado",
        "absolute": "su ruta no puede empezar por una barra ni por una unidad",
        "outside": "su ruta sale de la carpeta",
        "characters": "su nombre tiene caracteres que un nombre no debería tener",
        "deep": f"hay más de {DEPTH - 1} carpetas una dentro de otra",
        "long": f"en su ruta hay un nombre de más de {NAME} bytes",
        "same": "otro tiene el mismo nombre, o uno que solo se distingue en las mayúsculas",
        "large": f"ocupa más de {FILE >> 20} MiB",
        "total": f"todo junto ocupa más de {TOTAL >> 20} MiB",
        "no_such_name": "este sistema no admite nombres así",
    },
}
_LEFT_OUT: Mapping[Language, str] = {"en": "{} was left out: {}.", "es": "{} no se ha aceptado: {}."}


def sentence(problem: Problem, language: Language) -> str:
    """Return what is said of a problem.

    Raises:
        KeyError: nobody has written it.
    """
    if (whole := _SENTENCES[language].get(problem.code)) is not None:
        return whole.format(problem.about)
    return _LEFT_OUT[language].format(problem.about, _REASONS[language][problem.code])
