"""Every second of a run belongs to one phase, also when it goes on in another session."""

from services.cli.clock import Clock


def test_seconds_belong_to_the_phase_they_pass_in() -> None:
    times = iter([100.0, 103.0, 103.0, 110.0])
    clock = Clock({"starting": 1.0, "training": 20.0}, lambda: next(times))
    clock.enter("training")
    assert clock.read() == {"starting": 4.0, "training": 27.0}
