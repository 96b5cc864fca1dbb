"""What a graph schema is: values, models read into them, their differences and digest."""
