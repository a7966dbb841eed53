"""ONNX: a pipeline as a graph of standard operators."""
