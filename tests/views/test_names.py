"""Names out of repositories in addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from previews.views.names import NameConverter


@given(st.text())
def test_every_name_comes_back_from_its_segment(name):
    converter = NameConverter()

    assert converter.to_python(converter.to_url(name)) == name


@pytest.mark.parametrize("name", ["", "/", ".", "..", "~", "~1", "a/b"])
def test_no_segment_is_one_that_a_server_or_browser_would_change(name):
    segment = NameConverter().to_url(name)

    assert segment not in ("", ".", "..")
    assert "/" not in segment


def test_plain_names_stay_readable():
    assert NameConverter().to_url("seoul-1.prod") == "seoul-1.prod"
