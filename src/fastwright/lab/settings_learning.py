"""Learn what a person would have been told: boot, read what the app misses, give it, boot again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar

from fastwright.lab import settings_values
from fastwright.lab.boot_failure import AppFailed, MissingVariable
from fastwright.lab.settings import Environment, Origin, Value

T = TypeVar("T")

TRIES = 8
"""Boots at most: an app that asks for its variables one by one gets this many."""


def learn(
    attempt: Callable[[Environment], T],
    environment: Environment,
    *,
    chance: random.Random | None = None,
    tries: int = TRIES,
) -> tuple[T, Environment]:
    """What `attempt` returns, and the environment that it took.

    Args:
        attempt: Boots the app with an environment; raises `AppFailed` where it does not load.
        environment: What to begin with.
        chance: Source of random secrets.
        tries: Attempts at most.

    Raises:
        AppFailed: The app's last error: it misses something that is no variable, refuses a value
            that the person gave, or asks for more and more.
    """
    chance = chance or random.SystemRandom()
    for _ in range(tries - 1):
        try:
            return attempt(environment), environment
        except AppFailed as failure:
            grown = grow(environment, failure, chance)
            if grown == environment:
                raise blamed(failure, environment) from None
            environment = grown
    return attempt(environment), environment


def blamed(failure: AppFailed, environment: Environment) -> AppFailed:
    """The failure of an app in `environment`, naming what nobody gave: that may be to blame."""
    return failure.blaming(made_up=(one.name for one in environment.values if one.random))


def grow(environment: Environment, failure: AppFailed, chance: random.Random) -> Environment:
    """The environment with what the failure asks for; unchanged where nothing can be added."""
    folder = PurePosixPath(failure.missing_folder)
    if failure.missing_folder and folder not in environment.folders:
        return replace(environment, folders=(*environment.folders, folder))
    values = (_value(environment, wanted, failure.kind, chance) for wanted in failure.variables)
    return environment.give(*(value for value in values if value is not None))


def _value(
    environment: Environment, wanted: MissingVariable, error: str, chance: random.Random
) -> Value | None:
    known = next(filter(None, map(environment.value, wanted.names)), None)
    if known is not None and known.origin in (Origin.GIVEN, Origin.REAL, Origin.LEARNT):
        return None
    made, how = settings_values.make_value(
        wanted.name, wanted.annotation, environment.stack, chance
    )
    if known is not None and known.value == made:
        return None
    name = known.name if known is not None else wanted.name
    why = "refused as it was" if wanted.invalid else "the app asked for it"
    return Value(name, made, f"{why} ({error.rpartition('.')[2]}), {how}", Origin.LEARNT)
