"""The lake: zones, run folders and Delta commits, on a local folder or in an S3 store behind one door."""
