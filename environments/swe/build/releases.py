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


RELEASES = (
    Release(
        "boltons",
        "25.0.0",
        "e110fbdc30b7b9868cb604e3f71d4722dd8f4dcb4a5ddd06028ba8f1ab0b5ace",
        ("boltons",),
        ("tests",),
        (".",),
        "BSD-3-Clause",
    ),
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
        ("tests",),
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
        "semver",
        "3.0.4",
        "afc7d8c584a5ed0a11033af086e8af226a9c0b206f313e0301f8dd7b6b589602",
        ("src/semver",),
        ("tests",),
        ("src",),
        "BSD-3-Clause",
    ),
    Release(
        "tabulate",
        "0.10.0",
        "e2cfde8f79420f6deeffdeda9aaec3b6bc5abce947655d17ac662b126e48a60d",
        ("tabulate",),
        ("test",),
        (".",),
        "MIT",
    ),
    Release(
        "toolz",
        "1.0.0",
        "2c86e3d9a04798ac556793bced838816296a2f085017664e4995cb40a1047a02",
        ("toolz",),
        ("toolz/tests",),
        (".",),
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
        "webcolors",
        "24.11.1",
        "ecb3d768f32202af770477b8b65f318fa4f566c22948673a977b00d589dd80f6",
        ("src/webcolors",),
        ("tests",),
        ("src",),
        "BSD-3-Clause",
    ),
)
