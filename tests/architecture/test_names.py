"""Names say what a thing is: no drawers for everything, and settings and metrics that are found by prefix."""

import ast
import re

from services.kit.settings import PROCESSES
from tests.architecture.sources import CODE, PRODUCT, sources

DRAWERS = re.compile(r"^(utils?|helpers?|commons?|misc|managers?|base_.*|.*_(utils?|helpers?|manager))$")
DRAWER_CLASSES = re.compile(r"(Manager|Helper|Utils?)$")


def test_no_drawer_for_everything() -> None:
    paths = {source.path for source in sources(*CODE)}
    parts = {(part.removesuffix(".py"), path) for path in paths for part in path.parts}
    assert sorted(str(path) for part, path in parts if DRAWERS.match(part)) == []


def test_no_class_that_only_manages() -> None:
    found = [
        f"{source.path}: {node.name}"
        for source in sources(*CODE)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and DRAWER_CLASSES.search(node.name)
    ]
    assert not found, "\n".join(found)


def test_settings_have_the_prefix_of_a_process() -> None:
    """`services.kit.settings` knows the prefixes, or a variable of another process would be refused."""
    known = {f"PODIUM_{process.upper()}_" for process in PROCESSES}
    prefixes = {
        match: source.path
        for source in sources(*PRODUCT)
        for match in re.findall(r'env_prefix="([A-Z_]*)"', source.text)
    }
    assert {prefix: str(path) for prefix, path in prefixes.items() if prefix not in known} == {}


def test_metrics_begin_with_podium() -> None:
    found = [
        f"{source.path}: {node.args[0].value}"
        for source in sources(*PRODUCT)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"Counter", "Gauge", "Histogram", "Summary", "Info"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and not node.args[0].value.startswith("podium_")
    ]
    assert [line for line in found if not line.startswith("services/inference/")] == []
