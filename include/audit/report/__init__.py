"""The auditors' quality report: what came, what was kept, what was not and why, and what the data is worth."""
