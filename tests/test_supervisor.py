"""The supervisor, without the parts of a whole installation."""

from __future__ import annotations

import signal

import pytest

from previews.supervisor import Supervisor


@pytest.fixture
def supervisor():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Supervisor({}, print)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_python_drops_ends_the_waiting_all_the_same(supervisor):
    class Dying:
        def __del__(self):
            supervisor.interrupt(signal.SIGTERM, None)

    dying = Dying()
    del dying  # an exception that is raised here goes nowhere
    with pytest.raises(KeyboardInterrupt):
        supervisor.watch(60)
