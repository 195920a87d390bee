"""One task in SWE-bench's format, and how its tests are run."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from environments.swe.logs import PARSERS
from services.contracts.environment import TaskCard, TaskRef

Isolation = Literal["semi-trusted", "hostile"]


def _list_of_ids(value: object) -> object:
    """SWE-bench's own files carry the lists as JSON text."""
    return json.loads(value) if isinstance(value, str) else value


def _known_parser(name: str) -> str:
    if name not in PARSERS:
        raise ValueError(f"there is no log parser {name!r}; there are {', '.join(PARSERS)}")
    return name


def _below_the_repository(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/") or not path.isprintable() or not path:
        raise ValueError("not a path inside the repository")
    return path


TestIds = Annotated[tuple[str, ...], BeforeValidator(_list_of_ids)]
RepositoryPath = Annotated[str, BeforeValidator(_below_the_repository)]
Parser = Annotated[str, BeforeValidator(_known_parser)]


_FOLDER = r"^[\w.+-]{1,200}$"
_PREBUILT = r"^\w[\w.-]*(?::\d+)?(?:/\w[\w.-]*)+(?:[:@][\w.:-]+)?$|^\w[\w.-]*[:@][\w.:-]+$"


class Instance(BaseModel):
    """A row. The fields of SWE-bench keep its spelling; those after `image` say how to run the tests.

    `image` names a folder `images/<image>` with a Dockerfile or, with a `/` or a tag, a prebuilt image
    (under Docker); its `workdir` is the repository. Where it has a history,
    `base_commit` is checked out.
    `bug_patch` is applied to it before its one commit; `patch` is the reference solution and `test_patch`
    comes in when the result is graded. With runner `pytest` our own runner reports each test by its node
    id; with `command`, `test_command` is run and `log_parser` reads what it printed, or `report_file`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    instance_id: str = Field(pattern=r"^[\w.+-]{1,200}$")
    repo: str
    base_commit: str = Field(default="", pattern=r"^(?:\w[\w.+-]*)?$")
    problem_statement: str = Field(min_length=1)
    patch: str = ""
    test_patch: str = ""
    FAIL_TO_PASS: TestIds = Field(min_length=1)
    PASS_TO_PASS: TestIds
    image: str = Field(pattern=f"{_FOLDER}|{_PREBUILT}")

    bug_patch: str = ""
    workdir: str = "/testbed"
    runner: Literal["pytest", "command"] = "command"
    test_command: str = ""
    test_files: tuple[RepositoryPath, ...] = ()
    python_path: tuple[str, ...] = (".",)
    log_parser: Parser = "pytest"
    report_file: str | None = Field(default=None, description="read by the parser in place of the output")
    environment: dict[str, str] = Field(default_factory=dict)
    timeout_s: float = Field(default=300.0, gt=0)
    isolation: Isolation = "semi-trusted"
    flaky: tuple[str, ...] = Field(default=(), description="tests whose verdict varied; never graded")
    kind: str = Field(default="issue", description="how the bug came about; a tag")
    license: str = ""

    @model_validator(mode="before")
    @classmethod
    def _nothing_absent(cls, row: Any) -> Any:
        """Parquet has a null where a row lacks a column."""
        row = {name: value for name, value in row.items() if value is not None}
        if "image" not in row:
            raise ValueError(
                "there is no image: name a folder of images/, or (under Docker) a prebuilt image, for"
                " SWE-bench's rows the one that its harness built or published for the instance"
            )
        return row

    @model_validator(mode="after")
    def _can_be_graded(self) -> "Instance":
        both = set(self.FAIL_TO_PASS) & set(self.PASS_TO_PASS)
        if both:
            raise ValueError(f"{min(both)} is in FAIL_TO_PASS and in PASS_TO_PASS")
        if not set(self.FAIL_TO_PASS) - set(self.flaky):
            raise ValueError("each of FAIL_TO_PASS is flaky: nothing is left to grade")
        if self.runner == "pytest" and not self.test_files:
            raise ValueError("the runner pytest needs test_files")
        if self.runner == "command" and not self.test_command:
            raise ValueError("the runner command needs a test_command")
        return self

    def card(self, ref: TaskRef) -> TaskCard:
        tags = (self.repo, self.kind, self.isolation)
        return TaskCard(task=ref, title=self.instance_id, tags=tags, instruction=self.problem_statement)

    @property
    def graded(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """FAIL_TO_PASS and PASS_TO_PASS, without what is flaky."""
        flaky = frozenset(self.flaky)
        both = (self.FAIL_TO_PASS, self.PASS_TO_PASS)
        first, second = (tuple(test for test in tests if test not in flaky) for tests in both)
        return first, second

    @property
    def expected(self) -> tuple[str, ...]:
        first, second = self.graded
        return (*first, *second)

    @property
    def is_prebuilt(self) -> bool:
        return bool(set(self.image) & set("/:@"))
