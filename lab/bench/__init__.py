"""How fast the lab is beside its peers: `make bench`. Each row compares both in one run; never part of the tests."""
