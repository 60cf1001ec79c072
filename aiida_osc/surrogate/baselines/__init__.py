"""Families that a network has to beat: cheap, fitted in one go, and stronger than it where labels are few."""
