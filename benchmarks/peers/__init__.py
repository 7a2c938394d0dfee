"""What users would pick instead, doing the same work. Runs in an environment of its own: `requirements.txt` here."""
