"""applications (办理状态): citizens' cases, from the facts that halls and offices report to what the applicant sees."""
