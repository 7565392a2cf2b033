"""``edgener-export``, the command line of the exporter: recipe in, bundle out."""

from __future__ import annotations

from edgener.command_line import Program
from edgener_export.cli.build import BUILD
from edgener_export.cli.calibrate import CALIBRATE
from edgener_export.cli.compare import COMPARE
from edgener_export.cli.data import CONVERT, DATA
from edgener_export.cli.evaluate import EVALUATE
from edgener_export.cli.label import LABEL
from edgener_export.cli.models import MODELS
from edgener_export.cli.report import REPORT
from edgener_export.cli.rules import RULES
from edgener_export.cli.search import SEARCH
from edgener_export.cli.select import SELECT
from edgener_export.cli.settings import SETTINGS
from edgener_export.cli.text import TEXT
from edgener_export.cli.train import TRAIN

PROGRAM = Program(
    name="edgener-export",
    description="Fine-tune, quantize, verify and pack Chinese entity recognizers.",
    examples="""\
edgener-export models                                      which checkpoint to start from
edgener-export data train.txt --against test.txt
edgener-export train labelled.jsonl --output ./my-bundle
edgener-export build my-recipe.toml --bundle ./my-bundle
edgener-export evaluate ./my-bundle --test my-test.jsonl""",
    exit_codes="""0 success, 1 another error of the operating system, 2 wrong arguments, 3 a file of words,
4 output cannot be written, 8 no such GPU, 10 to 23 a bundle that cannot be used (docs/bundle.md lists them), 31 a
recipe, 32 a file of text or of labelled text, 33 a checkpoint, 34 a download, 35 a model that does not pass the gate,
36 a run without a report, 37 a run that another command works on, 130 Ctrl-C, 141 closed pipe, 143 SIGTERM""",
    commands=(
        TRAIN,
        BUILD,
        SEARCH,
        EVALUATE,
        COMPARE,
        CALIBRATE,
        SELECT,
        RULES,
        REPORT,
        MODELS,
        SETTINGS,
        CONVERT,
        DATA,
        TEXT,
        LABEL,
    ),
)
main = PROGRAM.main
