"""What a data set holds, lacks and should not hold."""
