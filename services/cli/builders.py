"""`podium swe build` and `podium search build`: task builders, each a program of its family."""

import subprocess
import sys

import typer

swe = typer.Typer(help="Software engineering tasks.", no_args_is_help=True)
search = typer.Typer(help="Search tasks.", no_args_is_help=True)

_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@swe.command("build", context_settings=_PASSED_ON, add_help_option=False)
def build_swe(context: typer.Context) -> None:
    """Make tasks of a repository, an archive or released packages (--help lists the options)."""
    _run("environments.swe.build", context)


@search.command("build", context_settings=_PASSED_ON, add_help_option=False)
def build_search(context: typer.Context) -> None:
    """Make questions about a corpus (--help lists the options)."""
    _run("environments.search.build", context)


def _run(program: str, context: typer.Context) -> None:
    """The command line imports no environment: a child does the work, and its status is ours."""
    raise typer.Exit(subprocess.call([sys.executable, "-m", program, *context.args]))
