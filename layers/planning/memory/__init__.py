"""Drafts kept in memory by a process between requests."""
