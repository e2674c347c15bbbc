"""Performance as ratios against floors, measured in one run (`make bench`)."""
