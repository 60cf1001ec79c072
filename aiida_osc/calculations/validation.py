"""Validators of ports, put together."""

from collections.abc import Callable
from typing import Any


def first_complaint(*validators: Callable | None) -> Callable[[Any, Any], str | None]:
    """Return a validator that answers with the first complaint of several."""

    def validate(value: Any, ctx: Any) -> str | None:
        return next((reason for check in validators if check and (reason := check(value, ctx))), None)

    return validate
