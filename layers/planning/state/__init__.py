"""What a draft is: its board, codes, the rows of a change, and the way from and to the database."""
