"""Apply every rule to an item and its guide."""

from collections.abc import Callable

from shared.publishing.guide_linter import completeness, limits, results_and_fees, ways, wording
from shared.publishing.guide_linter.finding import Finding, Found, Subject

RULES: tuple[tuple[str, Callable[[Subject], Found]], ...] = (
    ("G-1", limits.immediate_means_same_day),
    ("G-2", limits.promise_within_legal_limit),
    ("G-3", limits.licence_has_legal_limit),
    ("G-4", results_and_fees.result_type_fits_name),
    ("G-5", ways.visits_are_explained),
    ("G-6", ways.fully_online_needs_no_visit),
    ("G-7", results_and_fees.fee_is_complete),
    ("G-8", ways.telephones_differ),
    ("G-9", ways.place_and_hours_are_exact),
    ("G-10", ways.themes_fit_applicants),
    ("G-11", wording.words_say_something),
    ("G-12", limits.licence_is_explained),
    ("G-13", completeness.elements_are_stated),
    ("G-14", completeness.materials_have_forms),
    ("G-15", completeness.certificates_are_listed),
    ("G-16", completeness.basis_is_in_force),
    ("G-17", wording.texts_are_written),
    ("G-18", completeness.item_and_guide_agree),
)
"""Every rule by its id, in order."""


def lint(subject: Subject) -> list[Finding]:
    """Return the findings of all rules, in their order. A guide without its item is checked as far as it goes."""
    return [finding for _, rule in RULES for finding in rule(subject)]
