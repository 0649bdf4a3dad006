"""Lightning callbacks: what is measured while a run trains, when it stops, what is saved."""
