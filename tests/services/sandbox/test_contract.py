"""What every form of the sandbox promises."""

import io
import tarfile
import time

import pytest

from services.kit.failure import Missing
from services.sandbox.archive import archive_of
from services.sandbox.port import MIB, Blueprint, BoxOverrun, Limits, Sandbox, Sandboxes

SLEEPERS = "grep -lx sleep /proc/[0-9]*/comm 2>/dev/null | wc -l"
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def out(sandbox: Sandbox, command: str, timeout_s: float = 5.0) -> str:
    return (await sandbox.run(command, timeout_s)).output


async def test_says_where_its_shell_starts(sandbox: Sandbox) -> None:
    assert await out(sandbox, "pwd") == f"{sandbox.workdir}\n" == "/app\n"


async def test_starts_in_its_work_folder_with_the_images_files_and_variables(sandbox: Sandbox) -> None:
    assert await out(sandbox, "pwd; ls; cat given.txt; echo $COLOUR") == (
        "/app\nDockerfile\ngiven.txt\ngiven\nblue\n"
    )


async def test_the_shell_persists(sandbox: Sandbox) -> None:
    await sandbox.run("cd /tmp; x=5; greet() { echo hello; }", 5)
    assert await out(sandbox, "pwd; echo $x; greet") == "/tmp\n5\nhello\n"


@pytest.mark.parametrize(
    ("command", "code"), [("true", 0), ("false", 1), ("nosuchprogram", 127), ("(exit 7)", 7)]
)
async def test_exit_codes(sandbox: Sandbox, command: str, code: int) -> None:
    assert (await sandbox.run(command, 5)).exit_code == code


async def test_both_streams_are_output(sandbox: Sandbox) -> None:
    assert await out(sandbox, "echo one; echo two >&2; echo three") == "one\ntwo\nthree\n"


@pytest.mark.parametrize("command", ["exit 3", "kill -9 $$", "set -e; false", "exec true"])
async def test_a_shell_that_was_ended_is_replaced_and_files_stay(sandbox: Sandbox, command: str) -> None:
    await sandbox.run("echo kept > kept.txt", 5)
    await sandbox.run(command, 5)
    assert await out(sandbox, "pwd; cat kept.txt") == "/app\nkept\n"


@pytest.mark.parametrize("command", ["echo 'open", "if true", "echo $(", "}", "<<EOF\nx"])
async def test_bad_syntax_does_not_stick(sandbox: Sandbox, command: str) -> None:
    await sandbox.run(command, 5)
    assert await out(sandbox, "echo fine") == "fine\n"


async def test_any_text_is_a_command(sandbox: Sandbox) -> None:
    assert await out(sandbox, "printf '%s' 'ünï\t\"$x\" \\ %'") == 'ünï\t"$x" \\ %'
    assert (await sandbox.run("echo a\0b; echo \udcff", 5)).exit_code == 0


async def test_a_command_that_reads_gets_nothing(sandbox: Sandbox) -> None:
    assert await out(sandbox, "cat; read x; echo end") == "end\n"


async def test_a_timeout_kills_what_ran_and_keeps_files(sandbox: Sandbox) -> None:
    started = time.monotonic()
    result = await sandbox.run("echo kept > kept.txt; echo begun; (setsid sleep 60 &); sleep 60", 0.3)
    assert result.timed_out
    assert (result.output, result.exit_code) == ("begun\n", 124)
    assert time.monotonic() - started < 2
    assert await out(sandbox, f"cat kept.txt; {SLEEPERS}") == "kept\n0\n"


async def test_long_output_keeps_both_ends_and_says_what_is_missing(sandbox: Sandbox) -> None:
    result = await sandbox.run("seq 1 100000", 5)
    assert result.truncated
    assert result.output.startswith("1\n2\n3\n")
    assert result.output.endswith("99999\n100000\n")
    assert "bytes left out ...]" in result.output
    assert len(result.output) < 17_000


async def test_a_flood_is_stopped_long_before_its_timeout(sandbox: Sandbox) -> None:
    started = time.monotonic()
    result = await sandbox.run("yes", 60)
    assert result.truncated
    assert result.exit_code != 0
    assert time.monotonic() - started < 20
    assert await out(sandbox, "echo fine") == "fine\n"


async def test_output_of_the_background_does_not_hold_a_command(sandbox: Sandbox) -> None:
    started = time.monotonic()
    assert (await sandbox.run("(while :; do echo noise; done) & echo started", 5)).exit_code == 0
    assert (await sandbox.run("echo next", 5)).exit_code == 0
    assert time.monotonic() - started < 4


async def test_reset_kills_everything_and_keeps_files(sandbox: Sandbox) -> None:
    await sandbox.run("x=5; echo kept > kept.txt; (setsid sleep 60 &) ; nohup sleep 60 & disown", 5)
    await sandbox.reset()
    assert await out(sandbox, f"echo [$x]; cat kept.txt; {SLEEPERS}") == "[]\nkept\n0\n"


async def test_a_fresh_shell_gets_every_byte(sandbox: Sandbox) -> None:
    """The shell that dies in a reset takes nothing of what is meant for the next one."""
    for _ in range(40):
        await sandbox.reset()
        assert await out(sandbox, "echo fine") == "fine\n"


async def test_put_makes_its_folder(sandbox: Sandbox) -> None:
    big = bytes(range(256)) * 4096
    await sandbox.put(archive_of({"a/small.txt": b"small\n", "big.bin": big}), "/data/in")
    assert await out(sandbox, "cd /data/in; cat a/small.txt; wc -c < big.bin") == "small\n1048576\n"


async def test_files_come_out(sandbox: Sandbox) -> None:
    await sandbox.run("mkdir -p out/deep && echo one > out/deep/file && chmod 600 out/deep/file", 5)
    with tarfile.open(fileobj=io.BytesIO(await sandbox.get("/app/out"))) as tar:
        assert tar.getnames() == ["out", "out/deep", "out/deep/file"]
    with tarfile.open(fileobj=io.BytesIO(await sandbox.get("/app/given.txt"))) as tar:
        given = tar.extractfile("given.txt")
        assert given is not None
        assert given.read() == b"given\n"
    with pytest.raises(Missing, match=r"/app/nosuch is not in the sandbox"):
        await sandbox.get("/app/nosuch")


async def test_a_tree_moves_whole_into_another_sandbox(
    sandboxes: Sandboxes, blueprint: Blueprint, limits: Limits
) -> None:
    async with sandboxes.open(blueprint, limits) as first:
        await first.run(
            "rm given.txt; mkdir -p d/e; echo x > d/e/f; ln -s e d/l; chmod +x d/e/f; echo t > /tmp/t", 5
        )
        await first.reset()
        tree = await first.tree()
    async with sandboxes.open(blueprint, limits, tree) as second:
        seen = await out(second, "pwd; find . | sort; readlink d/l; test -x d/e/f && cat d/l/f /tmp/t")
    assert seen == "/app\n.\n./Dockerfile\n./d\n./d/e\n./d/e/f\n./d/l\ne\nx\nt\n"


async def test_a_tree_is_bounded(sandboxes: Sandboxes, blueprint: Blueprint) -> None:
    limits = Limits(work_bytes=4 * 1024 * 1024)
    async with sandboxes.open(blueprint, limits) as box:
        await box.run(
            "for i in $(seq 200); do truncate -s 4M sparse$i; done; head -c 1M /dev/urandom > full", 20
        )
        tree = await box.tree()
    assert len(tree) <= 4 * limits.work_bytes
    with tarfile.open(fileobj=io.BytesIO(tree)) as tar:
        assert "./app/full" in tar.getnames()


async def test_files_beyond_what_a_command_may_print_move_whole(
    sandboxes: Sandboxes, blueprint: Blueprint
) -> None:
    """The size of an archive is bounded by that of the box, not by where the reading of output ends."""
    limits = Limits(work_bytes=128 * MIB)
    async with sandboxes.open(blueprint, limits) as box:
        made = await out(box, "head -c 40M /dev/urandom > /app/big; md5sum < /app/big", 30)
        assert len(await box.get("/app")) > 40 * MIB
        tree = await box.tree()
    assert 40 * MIB < len(tree) < 44 * MIB
    async with sandboxes.open(blueprint, limits, tree) as second:
        assert await out(second, "md5sum < /app/big", 30) == made


async def test_an_archive_beyond_the_size_of_its_box_is_the_doing_of_what_ran_in_it(
    sandboxes: Sandboxes, blueprint: Blueprint
) -> None:
    """Names alone can make an archive longer than any file in the box; a part of it is of no use."""
    async with sandboxes.open(blueprint, Limits(work_bytes=1 * MIB)) as box:
        assert await out(
            box, "mkdir -p /app/many && cd /app/many && seq 12000 | xargs touch; ls | wc -l", 60
        ) == ("12000\n")
        with pytest.raises(BoxOverrun, match=r"more than \d MiB, in a box of 1 MiB"):
            await box.get("/app/many")


async def test_sandboxes_do_not_see_each_other(
    sandboxes: Sandboxes, blueprint: Blueprint, limits: Limits
) -> None:
    async with sandboxes.open(blueprint, limits) as one, sandboxes.open(blueprint, limits) as other:
        await one.run("echo secret > /app/mine /tmp/mine; sleep 60 &", 5)
        assert await out(other, f"ls /app /tmp; {SLEEPERS}") == "/app:\nDockerfile\ngiven.txt\n\n/tmp:\n0\n"
