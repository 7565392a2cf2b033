"""Times are written as HTTP wants them."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from edgener.serve.http_date import http_date


@given(st.floats(0, 2**35))
def test_a_time_is_written_as_the_standard_library_writes_it_for_http(seconds: float) -> None:
    assert http_date(seconds) == formatdate(seconds, usegmt=True)
