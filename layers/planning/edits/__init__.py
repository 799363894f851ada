"""Operations on a draft: drawn, checked, written to the ledger; undone, repaired, put onto a newer plan."""
