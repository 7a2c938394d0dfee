"""Reader of CSV and other delimited text: every column as text, every line either a row or an error."""

from include.sources.csv.delimited import read_delimited
