"""Networks of images: encoders, psi and the data processor on them, and how they are trained."""
