"""The cases. A function that is decorated with `case` gets a started world and says Failed, or nothing."""
from world.parts import Failed


def case(installed=True, **world):
    """`installed`: the chart is there. `world`: arguments of World."""
    def mark(function):
        function.is_case, function.installed, function.world = True, installed, world
        return function
    return mark


def check(condition, what):
    if not condition:
        raise Failed(what)
