"""Small by habit: a file that nobody can read in one sitting stops the build."""

import pytest

from tests.support.checkout import project_files, text_of

pytestmark = pytest.mark.spec("SPINE-B1")

MOST_LINES = 500
SUFFIXES = frozenset({".py", ".ts", ".tsx"})


@pytest.mark.spec("SPINE-B1.6")
def test_no_source_file_is_longer_than_five_hundred_lines():
    sources = [path for path in project_files() if path.suffix in SUFFIXES]
    lengths = {str(path): text_of(path).count("\n") for path in sources}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}
