"""What a channel or a screen of the hall showed at a moment, with the proof."""
