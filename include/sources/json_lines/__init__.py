"""Reader of JSON Lines: one object per line, every value as the text in the file."""

from include.sources.json_lines.json_table import read_json_lines
