"""What every service needs and none owns; flat, one noun a file."""
