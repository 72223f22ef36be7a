"""办理状态: a citizen's case from the facts that halls and offices report to what the applicant may see of it."""
