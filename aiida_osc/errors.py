"""The one exception that means: the input is wrong, and here is what to do."""


class OscError(ValueError):
    """Bad input or an unusable file; the message says what the user can do next."""
