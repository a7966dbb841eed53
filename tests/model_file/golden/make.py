"""Makes the golden files of the format's version: one of each kind of model, with check rows.

``PYTHONPATH=tests python tests/model_file/golden/make.py`` writes those that are missing, and
changes none: files of every version that was released must load for ever.
"""

from pathlib import Path

from saved_models import MAKERS, saved_model

from fastmlp.model_file.envelope import FORMAT_VERSION

FOLDER = Path(__file__).parent
# By the names of the models; the others are saved without options.
OPTIONS = {
    "numbers": {"include_optimizer": True},
    "quantiles": {"dtype": "float16"},
    "labels": {"dtype": "bfloat16"},
    "two outputs": {"dtype": "int8"},
    "MLP classes": {"include_optimizer": True},
    "MLP sgd": {"include_optimizer": True},
}


def path_of(name: str) -> Path:
    """Where the file of a model lies."""
    return FOLDER / f"{FORMAT_VERSION} {name}.safetensors".replace(" ", "-")


if __name__ == "__main__":
    for name in MAKERS:
        model, rows, _ = saved_model(name)
        if not path_of(name).exists():
            model.save(path_of(name), check_rows=rows[:3], **OPTIONS.get(name, {}))
