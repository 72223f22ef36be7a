"""The hall's kiosks (实体大厅): what can be done in the hall, in short plain words."""
