"""The world that the end-to-end cases run in: a real control plane, nodes that join it, Spark, faults."""
