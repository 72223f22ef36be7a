"""The hall's kiosks (实体大厅): what can be done here, in short plain words."""
