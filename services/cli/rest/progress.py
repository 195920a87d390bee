"""`podium progress` and `podium report`: how training goes, and what came of it."""

import time
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from services.cli.client import Json
from services.cli.display import engine_table, environment_table
from services.cli.rest.place import Place, place
from services.cli.rest.shown import AsJson, console, print_facts, print_json, text, when

_PERIOD_S = 1.0


def progress(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """The state of everything now: environments, engines, step, staleness and what waits for what."""
    where = place(context)
    found = where.ask("GET", "/v1/progress")
    if as_json:
        print_json(found)
    elif not watch:
        console().print(_picture(found))
    else:
        _watch(where, found)


def report(context: typer.Context, as_json: AsJson = False) -> None:
    """What the run has come to: rewards, groups, failures, staleness and evaluations."""
    where = place(context)
    found = where.ask("GET", "/v1/progress")
    told = {
        "run": where.ask("GET", "/v1/runs")["runs"][0],
        "step": found["step"],
        "weight_version": found["weight_version"],
        "environments": found["environments"],
        "groups": found["groups"],
        "rollouts": found["rollouts"],
        "tito": found["tito"],
        "staleness": found["staleness"],
        "metrics": found["metrics"],
        "evaluations": where.ask("GET", "/v1/evaluations")["evaluations"],
    }
    if as_json:
        print_json(told)
        return
    _report(told)
    console().print(environment_table(found, {}))


def _report(told: Json) -> None:
    run, staleness = told["run"], told["staleness"]
    evaluations = [
        (f"evaluation {when(one['started_at'])}", f"{one['environment']}: {_evaluated(one)}")
        for one in reversed(told["evaluations"])
    ]
    print_facts(
        [
            ("run", f"{run['name']} {run['run_id']}"),
            ("started", f"{when(run['started_at'])}, {run['starts']} times"),
            ("step", f"{told['step']}, weights v{told['weight_version']}, admission {run['admission']}"),
            ("groups", told["groups"]),
            ("failures", {cause: n for cause, n in told["rollouts"]["failed_by_cause"].items() if n}),
            ("token histories", f"{told['tito']['turns']} turns, {told['tito']['breaks']} breaks"),
            ("staleness", f"mean {text(staleness['mean'])}, max {staleness['max']}"),
            *evaluations,
        ]
    )


def _evaluated(one: Json) -> str:
    return f"mean reward {text(one['mean_reward'])} of {one['valid']} valid, {one['state']}"


def _watch(where: Place, found: Json) -> None:
    try:
        with Live(_picture(found), console=console(), auto_refresh=False) as live:
            while True:
                time.sleep(_PERIOD_S)
                live.update(_picture(where.ask("GET", "/v1/progress")), refresh=True)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _picture(found: Json) -> Group:
    headline = (
        f"step {found['step']} · weights v{found['weight_version']} · "
        f"staleness {text(found['staleness']['mean'])} · groups {text(found['groups'])}"
    )
    return Group(Text(headline), environment_table(found, {}), engine_table(found))
