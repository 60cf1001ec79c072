"""Run the four-point scheme for a batch of molecules: a program of its own, which needs neither AiiDA nor aiida-osc.

It travels as one file, a zip application, and is started in a folder that holds ``input.json`` as
``python fourpoint_runner.pyz [FOLDER]``, by any Python from 3.9 on. Every finished molecule is appended to
``results.jsonl`` at once, so a killed job keeps what it has and a second start does only the rest.

Exit codes: 0 all molecules treated (also when some failed), 2 bad input, 3 engine missing, 4 interrupted.
"""
