from benchmarks.rooms import python_lines

TEXT = '''"""A docstring.

Of several lines.
"""

# A comment.
NAME = "value"  # another one
"""What it is."""


def function(
    argument: str,
) -> str:
    """Another docstring."""
    return f"""two
lines{argument}"""
'''


def test_lines_of_code_are_those_without_blanks_comments_and_docstrings() -> None:
    assert python_lines(TEXT) == 6
