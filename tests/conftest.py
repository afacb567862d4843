"""What all tests share."""

import signal

# A shell that starts the tests in its background has them ignore SIGINT, and so would every child they start; the tests
# of Ctrl-C need it heard.
signal.signal(signal.SIGINT, signal.default_int_handler)
