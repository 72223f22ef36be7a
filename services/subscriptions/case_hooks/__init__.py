"""Hooks of cases: apps are told when one case moves. Mobile knows the case; here is whom to call, and how it went."""
