"""The exercises, a folder each: task, starter, checks, hints and a teacher's note; beside them what they share."""
