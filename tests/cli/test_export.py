"""fastmlp export: the files that to_onnx and to_c write."""

import pytest

import fastmlp


def test_c(run, trained, tmp_path):
    path = trained("price", "--drop", "built")
    result = run("export", path, "--c", tmp_path / "here.c")
    assert (result.status, result.out, result.err) == (0, "", "")
    fastmlp.load(path).to_c(tmp_path / "there.c")
    assert (tmp_path / "here.c").read_text() == (tmp_path / "there.c").read_text()


def test_onnx(run, trained, tmp_path):
    pytest.importorskip("onnx")
    path = trained("price", "--drop", "built")
    assert run("export", path, "--onnx", tmp_path / "m.onnx", "--c", tmp_path / "m.c").status == 0
    wanted = fastmlp.load(path).to_onnx().SerializeToString()
    assert (tmp_path / "m.onnx").read_bytes() == wanted
    assert (tmp_path / "m.c").exists()


def test_options_of_the_formats(run, trained, tmp_path):
    pytest.importorskip("onnx")
    dropped = [one for name in ("town", "sold", "built") for one in ("--drop", name)]
    path, onnx, c = trained("rooms", *dropped), tmp_path / "m.onnx", tmp_path / "m.c"
    model = fastmlp.load(path)
    assert run("export", path, "--c", c, "--dtype", "float16", "--prefix", "my_").status == 0
    model.to_c(tmp_path / "there.c", dtype="float16", prefix="my_")
    assert c.read_text() == (tmp_path / "there.c").read_text()
    assert run("export", path, "--onnx", onnx, "--inputs", "matrix").status == 0
    assert onnx.read_bytes() == model.to_onnx(inputs="matrix").SerializeToString()
    for arguments in (("--c", c, "--inputs", "matrix"), ("--onnx", onnx, "--prefix", "my_")):
        result = run("export", path, *arguments)
        assert result.status == 2
        assert f"{arguments[2]}" in result.err


def test_the_model_is_not_overwritten(run, trained, tmp_path):
    model = trained("price")
    contents = model.read_bytes()
    twice = ("--c", tmp_path / "m.c", "--onnx", tmp_path / "m.c")
    for arguments, message in ((("--c", model), "is an input"), (twice, "is named twice")):
        result = run("export", model, *arguments)
        assert result.status == 2
        assert message in result.err
    assert model.read_bytes() == contents
    assert not (tmp_path / "m.c").exists()


def test_what_is_missing(run, trained, tmp_path):
    path = trained("price")
    result = run("export", path)
    assert result.status == 2
    assert "pass what to write: --onnx FILE, --c FILE or both" in result.err
    result = run("export", path, "--c", tmp_path / "nowhere" / "m.c")
    assert result.status == 1
    assert "there is no folder" in result.err
