"""When a run ends before its last step."""

import signal
from threading import Thread

import pytest

from dialoop.training.stopping import Patience, stop_signal


def test_patience_is_over_after_so_many_looks_without_a_new_best():
    patience = Patience(limit=2)
    told = [(patience.look(loss, step), patience.over) for step, loss in enumerate([3.0, 2.0, 2.5, 1.9, 1.9, 2.0])]
    assert told == [(True, False), (True, False), (False, False), (True, False), (False, False), (False, True)]
    assert (patience.best, patience.best_step) == (1.9, 3)


def test_of_equal_figures_the_one_with_the_lower_loss_is_the_better():
    patience = Patience(limit=2, higher=True)
    looks = [(0.5, 2.0), (0.5, 1.0), (0.5, 1.5), (0.6, 3.0), (0.5, 0.1)]
    assert [patience.look(figure, step, loss) for step, (figure, loss) in enumerate(looks)] == [1, 1, 0, 1, 0]
    assert (patience.best, patience.best_loss, patience.best_step) == (0.6, 3.0, 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_taken_note_of_and_the_former_handler_comes_back(number):
    former = signal.getsignal(number)
    with stop_signal() as stop:
        assert not stop
        signal.raise_signal(number)
        assert stop
        assert stop.number == number
    assert signal.getsignal(number) is former


def test_a_second_ctrl_c_ends_at_once():
    with stop_signal():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_in_another_thread_nothing_is_listened_to():
    seen = []

    def work():
        with stop_signal() as stop:
            seen.append(bool(stop))

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
