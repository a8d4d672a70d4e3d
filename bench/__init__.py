"""How fast the product is, against ceilings measured in the same run: `make bench`.

Benchmarks, not tests: nothing here fails because something took long.
"""
