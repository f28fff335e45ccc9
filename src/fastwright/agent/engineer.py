"""The engineer: carries a request through every layer, and answers with a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fastwright.agent import errands, ground, needs, planner, telling
from fastwright.agent.building import build
from fastwright.agent.ground import Ground
from fastwright.agent.ordering import Order
from fastwright.agent.person import Person, Wishes
from fastwright.agent.planner import Refusal
from fastwright.agent.stopwatch import Stopwatch
from fastwright.model.app import AppMap
from fastwright.model.change import Safety
from fastwright.model.errors import Refused, UsageError
from fastwright.model.plan import Candidate, Plan, Step
from fastwright.model.proof import Report
from fastwright.model.review import Review
from fastwright.recipes.recipe import find, from_options, registry, to_options
from fastwright.workspace import journal
from fastwright.workspace.project import Project

Options = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Engineer:
    """Works on the project that `start` belongs to, for `person`."""

    start: Path
    person: Person
    wishes: Wishes = field(default_factory=Wishes)

    def plan(self, request: str) -> Report:
        """What `request` is taken for; reads the source, runs and writes nothing.

        Raises:
            NotAProject: There is no FastAPI app at `start`.
            Refused: A recipe cannot build into this app, as far as its source tells.
        """
        stand = ground.find(self.start, self.person, self.wishes, reads_only=True)
        try:
            report = self._planned(request, stand)
        except Refused as refused:
            raise telling.with_unread_source(refused, stand.app) from refused
        return telling.first(report, stand.recovered, stand.app, done=False)

    def _planned(self, request: str, stand: Ground) -> Report:
        watch = Stopwatch(self.person)
        plan = self._read(request, stand.app)
        if isinstance(plan, Refusal):
            return telling.refused(request, plan, watch)
        if plan.steps[0].recipe in errands.TITLES:
            self.person.plan(plan)
            return telling.planned(request, plan, watch)
        with watch.phase("planning"):
            steps = needs.in_order(plan.steps, stand.app, registry(), plan.declined)
            unsure = (*plan.unsure, *ground.other_apps(stand.app, stand.target))
            meant = replace(plan, steps=steps, unsure=unsure)
            building = build(meant, stand.app, stand.remap)
        self.person.plan(building.plan)
        return telling.planned(request, building.plan, watch)

    def do(self, request: str, options: Options | None = None) -> Report | Review:
        """Do what `request` says: plan, change, prove, ask, apply; or review, where that is said.

        Args:
            request: In the person's words.
            options: Options of the plan's recipes, which win over what the words say.

        Raises:
            UsageError: An option that no recipe of the plan has.
            DoesNotLoad: The app cannot be imported or started as it is.
            Refused: The work cannot be done here; says why and what to do.
        """
        watch = Stopwatch(self.person)
        stand = ground.find(self.start, self.person, self.wishes)
        plan = self._read(request, stand.app)
        if isinstance(plan, Refusal):
            report = telling.refused(request, plan, watch)
            return telling.first(report, stand.recovered, stand.app)
        errand = plan.steps[0].recipe
        if errand in errands.TITLES and options:
            raise _unused(options, errand)
        if errand == errands.TUNE:
            return self._tune(Order(request, in_words=True), stand, watch)
        if errand == errands.REVIEW:
            return self._review(plan)
        return self._carry_out(_with_options(plan, options or {}), stand, watch)

    def add(self, recipe: str, options: Options | None = None) -> Report:
        """Add the recipe of that name; raises as `do`, and `UnknownName`."""
        chosen = to_options(from_options(find(recipe), options or {}))
        given = {name: chosen[name] for name in options or {}}
        step = Step(recipe, "asked for by name", given)
        watch = Stopwatch(self.person)
        stand = ground.find(self.start, self.person, self.wishes)
        return self._carry_out(Plan(f"add {recipe}", (step,)), stand, watch)

    def tune(self, order: Order) -> Report:
        """Make routes fast, and prove that nothing else changed; raises as `TuningJob`."""
        watch = Stopwatch(self.person)
        stand = ground.find(self.start, self.person, self.wishes)
        return self._tune(order, stand, watch)

    def _review(self, plan: Plan) -> Review:
        from fastwright.agent import reviewing  # noqa: PLC0415 - its rules are slow to load

        self.person.plan(plan)
        step = plan.steps[0]
        choices = reviewing.Choices(
            select=(str(step.options["area"]),) if "area" in step.options else (),
            live=bool(step.options.get("live")),
            repair=Safety.SAFE if step.options.get("fix") else None,
        )
        return reviewing.review(self.start, self.person, self.wishes, choices)

    def _tune(self, order: Order, stand: Ground, watch: Stopwatch) -> Report:
        from fastwright.agent.tuning import TuningJob  # noqa: PLC0415 - slow to load

        return TuningJob(stand, self.person, self.wishes, watch).carry_out(order)

    def survey(self, *, static: bool = False) -> AppMap:
        """The map of the app: of its source alone where `static`, else with the running app."""
        watch = Stopwatch(self.person)
        stand = ground.find(self.start, self.person, self.wishes, reads_only=static)
        if static:
            return stand.app
        from fastwright.agent.worlds import Worlds  # noqa: PLC0415 - what runs apps is slow to load

        with Worlds(stand, self.person, self.wishes, watch) as worlds:
            return worlds.known()

    def undo(self, entry: str | None = None, *, force: bool = False) -> Report:
        """Take back one change, by default the last; raises as `journal.undo`."""
        watch = Stopwatch(self.person)
        project = Project.find(self.start)
        found = ground.make_whole(project)
        if found:
            self.person.phase(found)
        report = telling.undone(journal.undo(project, entry, force=force), watch)
        return telling.first(report, found)

    def _carry_out(self, plan: Plan, stand: Ground, watch: Stopwatch) -> Report:
        from fastwright.agent.job import Job  # noqa: PLC0415 - what runs apps is slow to load

        for step in plan.steps:
            from_options(find(step.recipe), step.options).check(stand.app)

        return Job(stand, self.person, self.wishes, watch).carry_out(plan)

    def _read(self, request: str, app: AppMap) -> Plan | Refusal:
        answer = planner.read_request(request, app)
        if not isinstance(answer, tuple):
            return answer
        chosen = self.person.chooses(request, answer)
        return _chosen_plan(request, chosen) if chosen else _unclear(request, answer)


def _chosen_plan(request: str, chosen: Candidate) -> Plan:
    return Plan(request, (Step(chosen.recipe, "chosen from the candidates"),))


def _unclear(request: str, candidates: tuple[Candidate, ...]) -> Refusal:
    names = " or ".join(f"`fastwright {_command(c.recipe)}`" for c in candidates)
    return Refusal(
        f"cannot tell what `{request.strip()}` asks for",
        "; ".join(f"{c.because}: {c.title}" for c in candidates),
        f"say it more exactly, or use {names}",
    )


def _command(recipe: str) -> str:
    return recipe if recipe in errands.TITLES else f"add {recipe}"


def _with_options(plan: Plan, options: Options) -> Plan:
    """`plan` with `options` in every step whose recipe has them.

    Raises:
        UsageError: No step's recipe has one of them, or a value is not allowed.
    """
    steps = []
    unused = set(options)
    for step in plan.steps:
        fields = set(to_options(find(step.recipe)()))
        own = {name: value for name, value in options.items() if name in fields}
        unused -= set(own)
        chosen = to_options(from_options(find(step.recipe), own))
        steps.append(replace(step, options={**step.options, **{n: chosen[n] for n in own}}))
    if unused:
        raise _unused(unused, ", ".join(step.recipe for step in plan.steps))
    return replace(plan, steps=tuple(steps))


def _unused(options: Iterable[str], recipes: str) -> UsageError:
    named = ", ".join(f"`{name}`" for name in sorted(options))
    return UsageError(
        f"cannot use the option {named}",
        f"none of {recipes} has it",
        "`fastwright explain RECIPE` lists the options",
    )
