"""Scenarios: one claim about keys, trust or leaks each, run on the lab's own chat and judged from the capture.

Every scenario is a module here whose `SCENARIO` says what is run, what to predict, how to judge and how to show it;
`lab.cli_scenario` does the rest. Attacks in here listen on loopback alone and connect only to servers that the
scenario itself has started.
"""
