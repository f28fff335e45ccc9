"""Settle what an app runs in: its variables, learnt from itself, and the servers that it names."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from fastwright.lab.boot_failure import AppFailed
from fastwright.lab.servers import how_to_have
from fastwright.lab.settings import Environment
from fastwright.lab.settings_learning import learn
from fastwright.lab.world import World, WorldSpec


@dataclass(frozen=True, slots=True)
class Settled:
    """What `World.open` takes so that the app boots, and where each value comes from."""

    spec: WorldSpec
    environment: Environment

    def with_environment(self, environment: Environment) -> Settled:
        """With what the app asked for when it started, which importing it did not tell."""
        return _settled(self.spec, environment)


def settle(
    spec: WorldSpec,
    environment: Environment,
    *,
    timeout: float = 60.0,
    chance: random.Random | None = None,
) -> Settled:
    """Import the app until it loads, then see which servers it means to reach.

    The first attempts run in a world without servers, which costs a fork each; an app that
    connects while it is imported gets its servers in a second round.

    Args:
        spec: The world; its `target` is the app, its `env` is not used.
        environment: What to begin with, of `settings.infer`.
        timeout: Seconds for each import.
        chance: Source of random secrets.

    Raises:
        DoesNotLoad: The app's own error, with what it misses.
    """
    chance = chance or random.SystemRandom()
    bare = replace(spec, env={}, services=(), files={**spec.files, **environment.files})
    with World.open(bare) as world:
        try:
            seen, environment = learn(
                lambda given: _imported(world, given, timeout), environment, chance=chance
            )
        except AppFailed as failure:
            if failure.missing_module or failure.missing_path:
                raise
        else:
            return _settled(spec, replace(environment, seen=seen))
    seen, environment = learn(
        lambda given: _with_servers(spec, given, timeout), environment, chance=chance
    )
    return _settled(spec, replace(environment, seen=seen))


def _imported(world: World, environment: Environment, timeout: float) -> dict[str, str]:
    world.make(environment.folders)
    with world.boot(env=environment.env, timeout=timeout, lifespan=False) as app:
        return app.endpoints()


def _with_servers(spec: WorldSpec, environment: Environment, timeout: float) -> dict[str, str]:
    with World.open(_settled(spec, environment).spec) as world:
        try:
            return _imported(world, environment, timeout)
        except AppFailed as failure:
            raise failure.blaming(absent=how_to_have(world.not_served)) from None


def _settled(spec: WorldSpec, environment: Environment) -> Settled:
    ready = replace(
        spec,
        env=environment.env,
        services=environment.servers(),
        files={**spec.files, **environment.files},
        folders=environment.folders,
    )
    return Settled(ready, environment)
