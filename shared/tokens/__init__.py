"""Who may call whom with which right: short-lived tokens, signed with the caller's own key, each for one callee."""
