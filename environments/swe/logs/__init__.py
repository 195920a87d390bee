"""Log parsers by name: what a test runner printed → what became of each test."""

from collections.abc import Mapping
from types import MappingProxyType

from environments.swe.logs.cargo import parse_cargo
from environments.swe.logs.ctest import parse_ctest
from environments.swe.logs.go import parse_go, parse_go_json
from environments.swe.logs.jest import parse_jest
from environments.swe.logs.junit import parse_junit
from environments.swe.logs.pytest import parse_pytest
from environments.swe.logs.status import Parse
from environments.swe.logs.tap import parse_tap
from environments.swe.logs.unittest import parse_unittest

PARSERS: Mapping[str, Parse] = MappingProxyType(
    {
        "pytest": parse_pytest,
        "unittest": parse_unittest,
        "go": parse_go,
        "go_json": parse_go_json,
        "cargo": parse_cargo,
        "jest": parse_jest,
        "vitest": parse_jest,
        "junit": parse_junit,
        "ctest": parse_ctest,
        "tap": parse_tap,
    }
)
