"""What a review says, for other programs and pages: each module has `render(outcome)`, the same text in every run."""
