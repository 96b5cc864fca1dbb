"""What a graph schema is: values, models read into them, differences, a digest."""
