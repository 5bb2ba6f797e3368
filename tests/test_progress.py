"""The progress bar, byte for byte, and what is printed where there is no terminal."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from fastconv import progress
from fastconv.callbacks import CallbackList


class Clock:
    """A time module whose time is set by hand."""

    now = 1000.0

    def time(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch):
    return print_to(monkeypatch, Terminal())


def print_to(monkeypatch, out):
    # Not sys.stdout itself: pytest puts its own there between a fixture and the test.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stdout=out, modules=sys.modules))
    return out


def test_bar_is_redrawn_byte_for_byte(clock, terminal):
    bar = progress.Progbar(4, stateless_metrics=())
    clock.now += 1.0
    bar.update(1, [("accuracy", 0.5), ("loss", 1.25)], finalize=False)
    first = (
        "\r\x1b[1m1/4\x1b[0m \x1b[32m━━━━━\x1b[0m\x1b[37m━━━━━━━━━━━━━━━\x1b[0m"
        " \x1b[1m3s\x1b[0m 1s/step - accuracy: 0.5000 - loss: 1.2500"
    )
    assert terminal.getvalue() == first
    clock.now += 0.01  # too soon to draw again
    bar.update(2, [("accuracy", 0.5), ("loss", 1.0)], finalize=False)
    assert terminal.getvalue() == first
    clock.now += 0.05
    bar.update(4, [("accuracy", 0.5), ("loss", 0.00025)], finalize=True)
    seen = len("1/4 ") + 20 + len(" 3s 1s/step - accuracy: 0.5000 - loss: 1.2500")
    assert terminal.getvalue() == first + (
        "\b" * seen + "\r\x1b[1m4/4\x1b[0m \x1b[32m" + "━" * 20 + "\x1b[0m\x1b[37m\x1b[0m"
        " \x1b[1m1s\x1b[0m 20ms/step - accuracy: 0.5000 - loss: 2.5000e-04\n"
    )


def test_shorter_line_erases_the_longer_one(clock, terminal):
    bar = progress.Progbar(2)
    clock.now += 1
    bar.update(1, [("a", 1e-9)])
    clock.now += 1
    bar.update(2, [("a", 1.0)])
    assert terminal.getvalue().endswith("1s/step - a: 1.0000    \n")


@pytest.mark.parametrize(
    ("seconds", "text"), [(4000, "\x1b[1m3:20:00\x1b[0m"), (100, "\x1b[1m5:00\x1b[0m")]
)
def test_time_left(clock, terminal, seconds, text):
    bar = progress.Progbar(4)
    clock.now += seconds
    bar.update(1)
    assert text in terminal.getvalue()


def test_unknown_number_of_steps(clock, terminal):
    bar = progress.Progbar(None)
    clock.now += 0.5
    bar.update(3, [("loss", -2.0)])
    assert terminal.getvalue() == ("\r      3/Unknown \x1b[1m0s\x1b[0m 167ms/step - loss: -2.0000")


def test_values_are_averaged_unless_stateful(clock, terminal):
    bar = progress.Progbar(None, stateful_metrics=["kept"])
    for step, value in ((1, 1.0), (3, 4.0)):
        clock.now += 1
        bar.update(step, [("mean", value), ("kept", value)])
    assert terminal.getvalue().endswith("mean: 3.0000 - kept: 4.0000")
    bar.add(1)
    with pytest.raises(ValueError, match="only one of"):
        progress.Progbar(1, stateful_metrics=[], stateless_metrics=[])


@pytest.mark.parametrize("verbose", [1, 2])
def test_plain_output_is_one_line(clock, capsys, verbose):
    bar = progress.Progbar(10, verbose=verbose)
    for step in range(1, 11):
        clock.now += 0.25
        bar.update(step, [("accuracy", 0.5), ("loss", 0.0004)])
    assert capsys.readouterr().out == (
        "10/10 - 2s - 250ms/step - accuracy: 0.5000 - loss: 4.0000e-04\n"
    )


def test_microseconds(clock, capsys):
    bar = progress.Progbar(3, verbose=2)
    for step in (1, 2, 3):
        clock.now += 0.000803
        bar.update(step)
    assert capsys.readouterr().out == "3/3 - 0s - 803us/step\n"


def run_epochs(verbose, epochs, steps=3):
    callbacks = CallbackList(add_progbar=True, verbose=verbose, epochs=epochs, steps=steps)
    callbacks.on_train_begin({})
    for epoch in range(epochs):
        callbacks.on_epoch_begin(epoch, {})
        for batch in range(3):
            callbacks.on_train_batch_end(batch, {"loss": 1.0})
        callbacks.on_test_begin({})
        callbacks.on_test_batch_end(0, {"loss": 3.0})
        callbacks.on_test_end({"loss": 3.0})
        callbacks.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 2.0})
    callbacks.on_train_end({})


def test_log_without_terminal_has_one_line_per_epoch(capsys):
    run_epochs("auto", 3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("3/3 - 0s - ")
        assert line.endswith("/step - loss: 1.0000 - val_loss: 2.0000")
        assert "\b" not in line and "\x1b" not in line


def test_verbose_2_has_headings(capsys):
    run_epochs(2, 2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    run_epochs(2, 1)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_terminal_has_headings(terminal):
    run_epochs(1, 2)
    assert terminal.getvalue().startswith("Epoch 1/2\n\r\x1b[1m1/3")
    assert terminal.getvalue().count("\n") == 4


def test_unknown_steps_are_known_after_an_epoch(capsys):
    run_epochs(1, 2, steps=None)
    assert [line[:3] for line in capsys.readouterr().out.splitlines()] == ["3/3", "3/3"]


def test_ascii_output_falls_back(monkeypatch):
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    print_to(monkeypatch, out)
    progress.write("1/4 ━━ 0s\n")
    assert raw.getvalue() == b"1/4 == 0s\n"


def test_no_output_at_all(monkeypatch):
    print_to(monkeypatch, None)
    progress.write("lost")
    assert not progress.is_dynamic()
    closed = io.StringIO()
    closed.close()
    print_to(monkeypatch, closed)
    progress.write("lost")
    assert not progress.is_dynamic()


def test_notebooks_redraw(monkeypatch):
    assert not progress.is_dynamic()
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert progress.is_dynamic()
