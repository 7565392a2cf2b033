"""Shares of the kinds of rows, of the labels and of the time, and learning rates."""

from __future__ import annotations

CORPUS, REWRITTEN, MARKED, LABELLED, TEXT, DEV = "corpus", "rewritten", "marked", "labelled", "text", "dev"
"""Kinds of rows: the corpus with names swapped, copies and templates, other sets that people labelled, texts that
`edgener-export label` labelled, texts without labels, and development sentences."""
LEARNED = (CORPUS, REWRITTEN, MARKED, LABELLED)

TEACHER, STUDENTS = "deep", ("base", "small", "nano")
FIRST_TEACHERS = {"small": 0.4, "base": 0.4, "deep": 0.2}
"""Weights in the mean of probabilities that the teacher learns on the corpus; elsewhere two have a half each."""
KEPT = 0.35
"""Share of those probabilities in what the students learn on labelled rows; the teacher has the rest."""
SECOND_OF_TEXT = 0.2
"""Share of small in what the students learn on texts without labels; the teacher has the rest."""

TEACHER_SHARES = {CORPUS: 0.40, REWRITTEN: 0.10, MARKED: 0.04, LABELLED: 0.46}
HIDDEN_WORD_SHARES = {TEXT: 0.60, LABELLED: 0.34, CORPUS: 0.06}
STUDENT_SHARES = {CORPUS: 0.32, REWRITTEN: 0.10, MARKED: 0.03, LABELLED: 0.30, TEXT: 0.25}
"""Shares of the tokens of each kind of row."""
TEACHER_HARD = {CORPUS: 0.7, REWRITTEN: 0.6, MARKED: 0.7, LABELLED: 0.5}
STUDENT_HARD = {CORPUS: 0.4, REWRITTEN: 0.5, MARKED: 0.6, LABELLED: 0.35}
"""Shares of the labels in the loss; probabilities have the rest."""

TEACHER_TIME = 0.42
"""Share of the whole time in which the teacher learns."""
STUDENT_TIMES = {"base": 0.55, "small": 0.25, "nano": 0.20}
"""Shares of the students in the time that is left after that."""
HIDDEN_WORDS_UNTIL = 0.6
"""Share of the teacher's time in which it guesses hidden words besides."""
HIDDEN_WORDS_WEIGHT = 0.5

RATES = {"deep": 4e-4, "base": 5e-4, "small": 1e-3, "nano": 1.2e-3}
"""Peak learning rates."""
TOKENS = {"deep": 16_384, "base": 16_384, "small": 32_768, "nano": 32_768}
"""Padded tokens in a batch."""
MASKED = {"deep": 0.1, "base": 0.05, "small": 0.05, "nano": 0.05}
"""Shares of the tokens that are hidden from the model that learns tags."""
DROPOUT = 0.1
"""Dropout of the teacher; students have none."""
TEMPERATURE = 2.0
LABEL_SMOOTHING = 0.02
