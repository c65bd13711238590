"""usage: shuffle.py PARTITIONS SECONDS - a shuffle, then SECONDS of work on its output; prints a sum that can be checked."""
import sys
import time

from pyspark.sql import SparkSession

session = SparkSession.builder.getOrCreate()
context = session.sparkContext
partitions, seconds = int(sys.argv[1]), float(sys.argv[2])
reduced = context.parallelize(range(partitions * 1000), partitions).map(lambda i: (i % 997, i)).reduceByKey(lambda a, b: a + b, 8)
print("keys", reduced.count(), flush=True)  # shuffle files are on the executors now


def slowly(rows):
    time.sleep(seconds)
    return rows


print("sum", reduced.mapPartitions(slowly).map(lambda row: row[1]).sum(), flush=True)
session.stop()
