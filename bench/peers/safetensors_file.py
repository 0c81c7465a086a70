"""Reads a safetensors file into NumPy arrays: eight bytes of header length, a JSON header, the bytes of the tensors."""
import json

import numpy as np

DTYPES = {"F32": np.float32, "I32": np.int32, "U8": np.uint8}


def read(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        arrays[name] = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
    return arrays
