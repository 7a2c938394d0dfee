"""What is Vietnamese about the data: names, dates, identifiers, administrative units."""
