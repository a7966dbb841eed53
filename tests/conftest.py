"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """Let Ctrl-C raise, also where the shell that started pytest in the background ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
