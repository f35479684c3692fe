"""The command: one line of JSON, or one line that says what is wrong."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.matching_instances import Size, generate
from market.matching.__main__ import main
from market.matching.auction import checker
from tests.market.matching.auction.auctions import auction, offer, request

KEYS = ["welfare", "bound", "gap", "matched", "requests", "seconds", "peak_mb", "input_sha256"]


@pytest.fixture
def instance(tmp_path):
    path = tmp_path / "instance.npz"
    np.savez(path, **auction([offer(1)], [request(500), request(400, hours=6)]))
    return path


def test_the_command_prints_its_figures_and_writes_its_answers(instance, tmp_path, capsys):
    out = tmp_path / "result.npz"

    main([str(instance), "--iterations", "3", "--seed", "2", "--out", str(out)])

    figures = json.loads(capsys.readouterr().out)
    assert list(figures) == KEYS
    assert (figures["welfare"], figures["matched"], figures["requests"]) == (1_800, 1, 2)
    assert figures["gap"] == round((figures["bound"] - 1_800) / figures["bound"], 6)
    with np.load(out) as result:
        assert result["offer"].tolist() == [-1, 0]
        assert result["reason"].tolist() == [7, 0]
        assert result["reason_names"].tolist()[7] == "outranked"


def test_prices_that_were_written_can_begin_another_run_and_belong_to_its_input(instance, tmp_path, capsys):
    prices = tmp_path / "prices.npz"
    command = [str(instance), "--iterations", "2", "--threads", "1", "--out", str(tmp_path / "result.npz")]

    main([*command, "--prices", str(prices)])
    main([*command, "--warm", str(prices)])

    cold, warm = map(json.loads, capsys.readouterr().out.splitlines())
    assert cold["input_sha256"] != warm["input_sha256"]


def test_an_empty_market_has_no_gap(tmp_path, capsys):
    path = tmp_path / "empty.npz"
    np.savez(path, **auction([], []))

    main([str(path), "--out", str(tmp_path / "result.npz")])

    figures = json.loads(capsys.readouterr().out)
    assert (figures["welfare"], figures["bound"], figures["gap"], figures["requests"]) == (0, 0, 0.0, 0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["absent.npz"], "cannot read absent.npz: No such file or directory"),
        (["{instance}", "--out", "/absent/result.npz"], "cannot write /absent/result.npz: No such file or directory"),
        (["{instance}", "--iterations", "0"], "argument --iterations: 0 is not between 1 and 1000000"),
        (["{instance}", "--iterations", "many"], "argument --iterations: invalid number value: 'many'"),
        (
            ["{instance}", "--warm", "{instance}"],
            "holds no prices: an array price of int64 with three axes was expected",
        ),
        (["{instance}", "--method", "luck"], "argument --method: invalid choice: 'luck'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(instance, tmp_path, capsys, change, sentence):
    command = ["--out", str(tmp_path / "result.npz"), *(word.format(instance=instance) for word in change)]

    with pytest.raises(SystemExit) as stop:
        main(command)

    assert stop.value.code == 2
    complaint = capsys.readouterr().err
    assert sentence in complaint
    assert complaint.count("\n") == 1


def test_compiled_loops_give_the_same_outcome_bit_for_bit_without_django(tmp_path):
    path = tmp_path / "instance.npz"
    arrays = generate(Size(requests=120, offers=12, hours=72))
    np.savez(path, **arrays)
    results = []
    for plain in ("0", "1"):
        out = tmp_path / f"result-{plain}.npz"
        command = [sys.executable, "-W", "error", "-m", "market.matching", path, "--iterations", "4", "--out", out]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
        done = subprocess.run(
            command, env=environment | {"NUMBA_DISABLE_JIT": plain}, capture_output=True, text=True, check=True
        )
        with np.load(out) as file:
            results.append((json.loads(done.stdout), {name: file[name] for name in file.files}))

    (compiled, first), (plain, second) = results
    assert all(compiled[name] == plain[name] for name in ("welfare", "bound", "matched", "input_sha256"))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert checker.faults(arrays, first["offer"], first["start"]) == []
    assert compiled["matched"] > 10
