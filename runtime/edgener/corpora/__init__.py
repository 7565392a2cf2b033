"""Corpora of any size through the recognizer: ``edgener map``.

Text flows through one file after the other: ``inputs`` finds the files, ``streams`` decompresses them, ``raw_rows``
cuts them into rows and ``parts`` into parts; a worker process (``worker``) parses the rows of a part (``rows``), finds
their entities (``annotate``) and writes them (``outputs``); the parent process hands parts to workers (``pool``,
``run``), commits what they wrote and notes it in the output folder (``job``). Only ``arrow`` and ``parquet`` import
pyarrow. On clusters, engines do the work of the parent process: ``ray`` and ``spark`` annotate what they hand out.
"""
