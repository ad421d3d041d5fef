"""The lab: scenarios, the pipeline that joins chat, certs and capture, verdicts, presentation and the command line."""
