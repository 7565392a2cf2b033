"""The plan of ``edgener-export train``: what is chosen by the size of the data, and the recipe that says so."""
