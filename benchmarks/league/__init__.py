"""A league of grouping strategies: ours, and what people use instead, on the same instances.

Who plays, and what:

- ``contract``: what a strategy is, what it is given and what it gives back; plug-ins.
- ``strategies``: all of them: ours, ``rivals``, and those of installed packages.
- ``instances``: instances by name, with what is known of their optimum. ``suites``: what is run.

Playing:

- ``match``: one strategy on one instance in a process of its own, watched and refereed.
- ``rows``: the append-only table of results. ``code``: which code made a row.
- ``runner``: a whole suite, here or on many machines.

What came of it:

- ``judging``: what rows say together: bounds that others beat, best known values.
- ``sampling``, ``statistics``, ``similarity``, ``analysis``: the numbers of a report.
- ``figures``, ``tables``, ``run_tables``, ``page``, ``report``: the report itself.
- ``comparing``: two runs, beyond noise. ``bundle``: one archive for others to repeat.

``cli`` is the command, ``python -m benchmarks``.
"""
