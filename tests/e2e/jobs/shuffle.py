"""usage: shuffle.py PARTITIONS SECONDS - a shuffle, then SECONDS of work on its output; prints a sum that can be checked."""
import sys
import time

from pyspark.sql import SparkSession


def say(text):
    """In one write: Spark runs Python unbuffered, where print makes one for each argument, and the driver's log lines come between."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


session = SparkSession.builder.getOrCreate()
context = session.sparkContext
partitions, seconds = int(sys.argv[1]), float(sys.argv[2])
reduced = context.parallelize(range(partitions * 1000), partitions).map(lambda i: (i % 997, i)).reduceByKey(lambda a, b: a + b, 8)
say(f"keys {reduced.count()}")  # shuffle files are on the executors now


def slowly(rows):
    time.sleep(seconds)
    return rows


say(f"sum {reduced.mapPartitions(slowly).map(lambda row: row[1]).sum()}")
session.stop()
