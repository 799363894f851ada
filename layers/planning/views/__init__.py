"""Plans and their grids as pages, other services and papers take them."""
