"""Export: a trained model as a program for other runtimes, made from its pipeline alone."""
