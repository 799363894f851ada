"""What differs between two plans, who serves what next, and what changes hands."""
