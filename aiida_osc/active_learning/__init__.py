"""Acquisition, batch selection and promotion rules."""
