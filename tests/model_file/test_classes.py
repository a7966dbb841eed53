"""Classes of every type are the same arrays after a load."""

import json

import numpy as np
import pytest

from fastmlp.model_file import ModelFileError
from fastmlp.model_file.decoder import read_decoder, written_decoder
from fastmlp.model_file.draft import Draft, NotStorable
from fastmlp.model_file.fields import Fields
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.values import Values
from fastmlp.prediction.decoders import ClassificationDecoder

CLASSES = [
    *(np.array([False, True]), np.array([-1, 1], dtype=np.int8), np.array([0, 2**63], dtype="u8")),
    *(np.array([0.1, 0.2], dtype="f4"), np.array([1.0, np.inf]), np.array([0.5, 1], dtype="f2")),
    *(np.array(["a", "", "ü"]), np.array([b"a", b"\xff\x01"])),
    *(np.array(["a", 2, 2.5], dtype=object), np.array(["a", "b"], dtype=np.dtypes.StringDType())),
    np.fromiter([(1, 2), (3, 4)], dtype=object),
]


def written(classes):
    return json.loads(json.dumps(written_decoder(ClassificationDecoder(classes, False), Draft())))


def read(document):
    tensors = Tensors({})
    return read_decoder(Fields(document, "decoder"), tensors, Values(tensors), "softmax")


@pytest.mark.parametrize("classes", CLASSES, ids=repr)
def test_same_array(classes):
    found = read(written(classes)).classes
    assert found.dtype == classes.dtype
    assert found.tolist() == classes.tolist()


def test_types_and_widths_that_labels_do_not_fit():
    document = written(np.array(["aa", "b"]))
    for changes in (
        *({"dtype": "bytes"}, {"dtype": "float64"}, {"dtype": "array"}, {"values": []}),
        *({"dtype": "int8", "values": [300, 1]}, {"dtype": "float16", "values": [1e300, 1]}),
        *({"dtype": "int64", "values": ["1", "2"]}, {"dtype": "string", "values": [1, 2]}),
    ):
        wrong = document | {"classes": document["classes"] | changes}
        with pytest.raises(ModelFileError, match=r"decoder\.classes"):
            read(wrong)


def test_arrays_much_larger_than_their_labels():
    """A file that says so takes no more memory than a small multiple of its size."""
    classes = np.array(["a", "bc"], dtype="U1000000")
    assert read(written(classes)).classes.dtype == "U2"
    many = np.array([*map(str, range(3000)), "x" * 10_000])
    with pytest.raises(NotStorable, match="3001 classes of up to 10000 characters"):
        written(many)
    document = written(many.astype(object))
    document["classes"]["dtype"] = "text"
    with pytest.raises(ModelFileError, match="must hold labels of up to"):
        read(document)


def test_numbers_of_types_that_a_file_does_not_hold():
    with pytest.raises(NotStorable, match=r"classes of type (longdouble|float128)"):
        written(np.array([1, 2], dtype=np.longdouble))
    found = read(written(np.array([1, 2], dtype=">i4"))).classes
    assert found.dtype == np.int32
    assert found.tolist() == [1, 2]


def test_labels_that_are_made_to_have_the_same_hash():
    """A dictionary of them takes time in the square of their number."""
    document = written(np.arange(30))
    labels = [i * (2**61 - 1) for i in range(2000)]
    document["classes"] |= {"dtype": "object", "values": labels}
    with pytest.raises(ModelFileError, match="of which 100 have the same hash at most"):
        read(document)
