"""Real packages to make tasks of: pure Python, free licences, with tests in their source archives."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A source archive in the package registry, and where in it code, tests and import root lie."""

    name: str
    version: str
    sha256: str
    code: tuple[str, ...]
    tests: tuple[str, ...]
    python_path: tuple[str, ...]
    license: str


# The other tests of funcy need a package that is not here.
_FUNCY = (
    "calc",
    "debug",
    "decorators",
    "flow",
    "funcmakers",
    "interface",
    "objects",
    "strings",
    "types",
)

RELEASES = (
    Release(
        "cachetools",
        "5.5.2",
        "1a661caa9175d26759571b2e19580f9d6393969e5dfca11fdb1f947a23e640d4",
        ("src/cachetools",),
        ("tests",),
        ("src",),
        "MIT",
    ),
    Release(
        "funcy",
        "2.0",
        "3963315d59d41c6f30c04bc910e10ab50a3ac4a225868bfa96feed133df075cb",
        ("funcy",),
        tuple(f"tests/test_{name}.py" for name in _FUNCY),
        (".",),
        "BSD-3-Clause",
    ),
    Release(
        "inflection",
        "0.5.1",
        "1a29730d366e996aaacffb2f1f1cb9593dc38e2ddd30c91250c6dde09ea9b417",
        ("inflection",),
        ("test_inflection.py",),
        (".",),
        "MIT",
    ),
    Release(
        "parse",
        "1.20.2",
        "b41d604d16503c79d81af5165155c0b20f6c8d6c559efa66b4b695c3e5a0a0ce",
        ("parse.py",),
        ("tests",),
        (".",),
        "MIT",
    ),
    Release(
        "schema",
        "0.7.8",
        "e86cc08edd6fe6e2522648f4e47e3a31920a76e82cce8937535422e310862ab5",
        ("schema",),
        ("test_schema.py",),
        (".",),
        "MIT",
    ),
    Release(
        "semver",
        "3.0.4",
        "afc7d8c584a5ed0a11033af086e8af226a9c0b206f313e0301f8dd7b6b589602",
        ("src/semver",),
        ("tests",),
        ("src",),
        "BSD-3-Clause",
    ),
    Release(
        "unidiff",
        "0.7.5",
        "2e5f0162052248946b9f0970a40e9e124236bf86c82b70821143a6fc1dea2574",
        ("unidiff",),
        ("tests",),
        (".",),
        "MIT",
    ),
    Release(
        "uritemplate",
        "4.2.0",
        "480c2ed180878955863323eea31b0ede668795de182617fef9c6ca09e6ec9d0e",
        ("uritemplate",),
        ("tests",),
        (".",),
        "BSD-3-Clause OR Apache-2.0",
    ),
    Release(
        "webcolors",
        "24.11.1",
        "ecb3d768f32202af770477b8b65f318fa4f566c22948673a977b00d589dd80f6",
        ("src/webcolors",),
        ("tests",),
        ("src",),
        "BSD-3-Clause",
    ),
)
