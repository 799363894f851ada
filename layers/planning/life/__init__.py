"""From a new draft to a plan in force and after: made, submitted, published, certified, followed."""
