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


def test_what_is_missing(run, trained, tmp_path):
    path = trained("price")
    result = run("export", path)
    assert result.status == 2
    assert "say what to write: --onnx FILE, --c FILE or both" in result.err
    result = run("export", path, "--c", tmp_path / "nowhere" / "m.c")
    assert result.status == 1
    assert "there is no folder" in result.err
