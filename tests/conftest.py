"""What all tests share."""

import os
import signal

from hypothesis import settings

# A shell that starts the tests in its background has them ignore SIGINT, and so would every child they start; the tests
# of Ctrl-C need it heard.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no failure; and CI judges a change, so it draws the same examples each time. Everyone else explores.
settings.register_profile("explore", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "explore")
