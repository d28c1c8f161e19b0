"""What only the chapters use: claims, toy data, records, the ranking and its sweep, mistakes."""
