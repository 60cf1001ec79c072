"""What a job must not inherit from the daemon that starts it on the same computer."""


def clean_environment() -> dict[str, str]:
    """Return ``metadata.options.environment_variables`` for programs with a Python of their own.

    AiiDA's daemon runs with a PYTHONPATH of its own environment. Psi4, or another interpreter of a code, would import
    packages from there that are not made for it. What a code's prepend text sets afterwards stays.
    """
    return {'PYTHONPATH': ''}
