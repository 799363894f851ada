"""The folium maps of the pages. ``base`` makes them local and gives them a nonce, ``assets`` serves what they load,
the others say what one page shows."""
