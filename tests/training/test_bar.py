"""What a run shows in a terminal, and where there is none."""

from io import StringIO

from rich.console import Console

from dialoop.training import Standing, TerminalWatch
from dialoop.training.loop import StepReport

REPORT = StepReport(loss=1.5, gradient=0.2, lr=1e-3, seconds=0.5, tokens=300, targets=100)


def shown(*, terminal: bool) -> str:
    out = StringIO()
    watch = TerminalWatch(Console(file=out, force_terminal=terminal, width=160))
    watch.say("[not markup]: 3 conversations")
    for step in (1, 2):
        watch.step(REPORT, Standing(step, 2, step / 2, 0.75))
    watch.close()
    return out.getvalue()


def test_a_terminal_gets_a_bar_with_loss_speed_and_the_time_left():
    said = shown(terminal=True)
    for part in (
        "[not markup]: 3 conversations",
        "epoch 1.0",
        "2/2",
        "loss 1.500",
        "held out 0.750",
        "200 targets/s",
        ":",
    ):
        assert part in said


def test_elsewhere_there_are_plain_lines_only():
    said = shown(terminal=False)
    assert said.splitlines() == [
        "[not markup]: 3 conversations",
        "step 2 of 2, epoch 1.0: loss 1.500, held out 0.750, 200 targets/s",
    ]
