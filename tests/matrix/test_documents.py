"""What docs/ says is so."""

import pytest

from tests.generated import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "make docs writes them anew"
