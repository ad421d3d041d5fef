"""All scenarios by name. Imported only where one is to be run: together they are a third of the lab's start."""

from typing import Any

from lab.scenarios.fakes import scenario as fakes
from lab.scenarios.keys import scenario as keys
from lab.scenarios.leaks import scenario as leaks
from lab.scenarios.mitm import scenario as mitm
from lab.scenarios.mutual import scenario as mutual
from lab.scenarios.shape import Scenario
from lab.scenarios.tamper import scenario as tamper

SCENARIOS: dict[str, Scenario[Any]] = {
    chosen.name: chosen
    for chosen in (
        keys.SCENARIO,
        mitm.SCENARIO,
        leaks.SCENARIO,
        fakes.SCENARIO,
        tamper.SCENARIO,
        mutual.SCENARIO,
    )
}
