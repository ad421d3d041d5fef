"""The report: one file that explains every byte of a session, made from the files that the session left."""
