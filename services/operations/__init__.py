"""Operations on a whole county: backup, restore, verification, export, dead letters."""
