"""All exercises, in order."""

from typing import Any

from lab.exercises.capstone.checks import EXERCISE as CAPSTONE
from lab.exercises.e01_plaintext_message.checks import EXERCISE as PLAINTEXT_MESSAGE
from lab.exercises.e02_what_tls_shows.checks import EXERCISE as WHAT_TLS_SHOWS
from lab.exercises.e03_two_handshakes.checks import EXERCISE as TWO_HANDSHAKES
from lab.exercises.e04_record_header.checks import EXERCISE as RECORD_HEADER
from lab.exercises.e05_segments_and_records.checks import EXERCISE as SEGMENTS_AND_RECORDS
from lab.exercises.e06_offered_and_chosen.checks import EXERCISE as OFFERED_AND_CHOSEN
from lab.exercises.e07_certificate.checks import EXERCISE as CERTIFICATE
from lab.exercises.e08_key_log.checks import EXERCISE as KEY_LOG
from lab.exercises.e09_stolen_key.checks import EXERCISE as STOLEN_KEY
from lab.exercises.e10_middle.checks import EXERCISE as MIDDLE
from lab.exercises.e11_certificate_clinic.checks import EXERCISE as CERTIFICATE_CLINIC
from lab.exercises.e12_own_ca.checks import EXERCISE as OWN_CA
from lab.exercises.e13_sizes_and_times.checks import EXERCISE as SIZES_AND_TIMES
from lab.exercises.e14_flipped_bit.checks import EXERCISE as FLIPPED_BIT
from lab.exercises.e15_open_record.checks import EXERCISE as OPEN_RECORD
from lab.exercises.exercise import Exercise

EXERCISES: tuple[Exercise[Any], ...] = (
    PLAINTEXT_MESSAGE,
    WHAT_TLS_SHOWS,
    TWO_HANDSHAKES,
    RECORD_HEADER,
    SEGMENTS_AND_RECORDS,
    OFFERED_AND_CHOSEN,
    CERTIFICATE,
    KEY_LOG,
    STOLEN_KEY,
    MIDDLE,
    CERTIFICATE_CLINIC,
    OWN_CA,
    SIZES_AND_TIMES,
    FLIPPED_BIT,
    OPEN_RECORD,
    CAPSTONE,
)
