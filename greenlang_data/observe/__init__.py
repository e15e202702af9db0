"""How the sources are doing: health, Prometheus metrics, and what a notebook shows of them."""
