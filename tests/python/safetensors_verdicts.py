"""Reads files from standard input, each as a 4-byte little-endian length and its bytes, and writes one character for
each: 1 where the reference library of safetensors accepts it, 0 where it refuses."""
import struct
import sys

from safetensors import deserialize

stream = sys.stdin.buffer
while len(field := stream.read(4)) == 4:
    data = stream.read(struct.unpack("<I", field)[0])
    try:
        deserialize(data)
        sys.stdout.write("1")
    except Exception:
        sys.stdout.write("0")
