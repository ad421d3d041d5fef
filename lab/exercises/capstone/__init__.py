"""The capstone: a naive chat with the course's ten weaknesses, to be mended until a hidden trial finds none."""
