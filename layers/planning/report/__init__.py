"""What is wrong with a draft: its shapes, its buildings, its households, kept up edit by edit."""
