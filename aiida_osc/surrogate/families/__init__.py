"""What predicts normalised labels: a network, and baselines that are stronger than it where labels are few."""
