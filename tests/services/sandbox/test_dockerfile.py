"""Which Dockerfiles bubblewrap carries out, and what it says of the others."""

from pathlib import Path

import pytest

from services.kit.failure import Refused
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.dockerfile import Copy, Dockerfile, Run
from services.sandbox.port import Blueprint, Limits, SandboxFailure


def written(folder: Path, text: str) -> Path:
    (folder / "files").mkdir(exist_ok=True)
    (folder / "files/a.txt").write_text("a\n")
    (folder / "b.sh").write_text("echo b\n")
    (folder / "b.sh").chmod(0o755)
    (folder / "Dockerfile").write_text(text)
    return folder


def test_what_is_supported(tmp_path: Path) -> None:
    text = """# a comment
    FROM python:3.11-slim
    ENV GREETING="hello world" \\
        # a comment within
        DEPTH=2
    ENV OLD spelling of it
    WORKDIR /srv
    WORKDIR $DEPTH
    COPY files/ b.sh ./in/
    COPY ["b.sh", "/opt/renamed.sh"]
    RUN echo one && \\
        echo two
    RUN ["echo", "three four"]
    """
    folder = written(tmp_path, text)
    dockerfile = Dockerfile.read(folder)
    assert dockerfile.workdir == "/srv/2"
    assert dockerfile.env == {"GREETING": "hello world", "DEPTH": "2", "OLD": "spelling of it"}
    assert dockerfile.steps[2] == Copy(
        {"/srv/2/in/a.txt": folder / "files/a.txt", "/srv/2/in/b.sh": folder / "b.sh"}, ("/srv/2/in",)
    )
    assert dockerfile.steps[3] == Copy({"/opt/renamed.sh": folder / "b.sh"})
    assert [step.command for step in dockerfile.steps if isinstance(step, Run)] == [
        "echo one && echo two",
        "echo 'three four'",
    ]


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("FROM node:20", 1, "FROM"),
        ("FROM debian AS build\nFROM debian", 1, "FROM"),
        ("FROM debian\nFROM debian", 2, "FROM"),
        ("FROM --platform=linux/amd64 debian", 1, "FROM"),
        ("ARG X=1\nFROM debian", 1, "ARG"),
        ("FROM debian\n\nUSER root", 3, "USER"),
        ("FROM debian\nRUN a && \\\n  b\nEXPOSE 80", 4, "EXPOSE"),
        ("FROM debian\nADD https://example.com/x /x", 2, "ADD"),
        ("FROM debian\nENTRYPOINT [\"sh\"]", 2, "ENTRYPOINT"),
        ("FROM debian\nCOPY --chown=1:1 b.sh /app/", 2, "COPY"),
        ("FROM debian\nCOPY missing /app/", 2, "COPY"),
        ("FROM debian\nCOPY ../b.sh /app/", 2, "COPY"),
        ("FROM debian\nCOPY *.sh /app/", 2, "COPY"),
        ("FROM debian\nCOPY b.sh /usr/bin/b", 2, "COPY"),
        ("FROM debian\nCOPY b.sh /app/../etc/passwd", 2, "COPY"),
        ("FROM debian\nWORKDIR /etc", 2, "WORKDIR"),
        ("FROM debian\nRUN --mount=type=cache,target=/x true", 2, "RUN"),
        ("FROM debian\nRUN <<EOF\ntrue\nEOF", 2, "RUN"),
        ("FROM debian\nENV A=1 B", 2, "ENV"),
        ("FROM debian\nENV A=${B:-c}", 2, "ENV"),
        ("FROM debian\nCOPY [b.sh, /x]", 2, "COPY"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_by_line_and_name(tmp_path: Path, text: str, line: int, word: str) -> None:
    folder = written(tmp_path, text)
    with pytest.raises(Refused, match=f"Dockerfile:{line}: {word} ") as refused:
        Dockerfile.read(folder)
    assert (refused.value.field, refused.value.remedy) == (word, "use Docker for this task")


def test_a_missing_dockerfile_and_an_ignore_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Dockerfile is missing"):
        Dockerfile.read(tmp_path)
    written(tmp_path, "FROM debian")
    (tmp_path / ".dockerignore").write_text("files\n")
    with pytest.raises(Refused, match="dockerignore"):
        Dockerfile.read(tmp_path)


def test_a_link_out_of_the_build_folder_is_not_followed(tmp_path: Path) -> None:
    folder = written(tmp_path, "FROM debian\nCOPY out /app/out")
    (folder / "out").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="COPY out"):
        Dockerfile.read(folder)


async def test_run_builds_once_and_the_result_is_kept(tmp_path: Path) -> None:
    text = """FROM debian
    WORKDIR /app
    ENV WHO=me
    RUN cat /proc/sys/kernel/random/uuid > made; mkdir /data && echo $WHO > /data/who
    COPY b.sh .
    """
    sandboxes, blueprint = BubblewrapSandboxes(), Blueprint(written(tmp_path, text))
    seen = []
    for _ in range(2):
        async with sandboxes.open(blueprint, Limits()) as box:
            seen.append((await box.run("pwd; ls; cat made /data/who; ./b.sh", 5)).output)
    assert seen[0] == seen[1]
    assert seen[0].startswith("/app\nb.sh\nmade\n")
    assert seen[0].endswith("\nme\nb\n")


async def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    blueprint = Blueprint(written(tmp_path, "FROM debian\nRUN echo broken; exit 3"))
    with pytest.raises(SandboxFailure, match="RUN echo broken; exit 3 ended with 3: broken"):
        async with BubblewrapSandboxes().open(blueprint, Limits()):
            pass
