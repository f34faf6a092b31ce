"""What holds for every test here.

A test that needs a program of the system skips where it is missing, and its reason names the package that
brings it. In CI nothing may be missing: with PINWARDEN_NO_SKIP=1 a skipped test fails the session.
"""

import os
import shutil
from collections.abc import Callable

import pytest

# The exit status of a session whose tests passed, or failed, or were none, once any was skipped: one of its
# own, so that `make test` does not run again what has failed, and be content with that.
SKIPPED = 8
_OTHERWISE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class NoSkip:
    """Fails a session in which anything was skipped, and says what."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus in _OTHERWISE:
            session.exitstatus = SKIPPED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped:
            terminalreporter.section("skipped, and PINWARDEN_NO_SKIP is set: failed", red=True)
            for line in self.skipped:
                terminalreporter.line(line)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            self.skipped.append(f"{report.nodeid}: {reason}")


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("PINWARDEN_NO_SKIP") == "1":
        config.pluginmanager.register(NoSkip())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many workers `-n auto` takes: a test waits, for a board or a deadline, as long as it computes."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """`program("chromium", package="chromium")`: the path of a program of the system, or the test skips."""

    def find(name: str, *, package: str) -> str:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"no `{name}` here: apt install {package}")
        return path

    return find
