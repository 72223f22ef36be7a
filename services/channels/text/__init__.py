"""Labels for codes and numbers, in Chinese and English."""
