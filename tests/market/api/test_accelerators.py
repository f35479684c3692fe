"""Card models over HTTP: their figures and what they are worth."""

import pytest
import time_machine

from market.services import catalogue, figures
from tests.market.agents import Machine
from tests.market.scenes import AT


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def machine(buyer):
    catalogue.load_reference()
    figures.refresh_measures(on=AT.date())
    return Machine(buyer)


def test_a_card_model_is_read_with_its_figures_and_measures(machine):
    card = machine.get("accelerators/nvidia-h100-sxm").json()

    rates = [one for one in card["figures"] if one["metric"] == "fp16"]
    worth = {one["scenario"]: (one["status"], one["ppm"]) for one in card["measures"]}
    assert [(one["density"], one["value"], one["unit"]) for one in rates] == [
        ("dense", 989_500, "GFLOPS"),
        ("sparse", 1_979_000, "GFLOPS"),
    ]
    assert (rates[0]["kind"], rates[0]["dated_on"]) == ("published", "2024-12-31")
    assert rates[0]["source"].startswith("智能算力产业发展白皮书")
    assert worth == {
        "hpc-fp64": ("provisional", 2_574_793),
        "train-fp16": ("provisional", 2_237_588),
        "finetune-fp32": ("provisional", 2_338_948),
        "infer-int8": ("provisional", 1_917_367),
    }


def test_a_card_that_cannot_be_compared_says_what_is_missing(machine):
    card = machine.get("accelerators/huawei-ascend-910b").json()

    training = next(one for one in card["measures"] if one["scenario"] == "train-fp16")
    assert (training["status"], training["ppm"]) == ("not-comparable", None)
    assert training["missing"] == ["memory-bandwidth", "memory-capacity", "interconnect"]


def test_the_list_of_card_models_takes_few_queries(machine, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        page = machine.get("accelerators").json()

    assert len(page["data"]) == 12
    assert all(len(one["measures"]) in (0, 4) for one in page["data"])


def test_the_weights_in_use_are_published(machine):
    standard = machine.get("measure").json()

    training = next(one for one in standard["recipes"] if one["scenario"] == "train-fp16")
    assert (standard["version"], standard["reference_card"]) == ("2026-1", "nvidia-a100-80gb-pcie")
    assert training["weights"] == {
        "compute": 55,
        "memory-bandwidth": 20,
        "memory-capacity": 10,
        "interconnect": 15,
    }
    assert training["reference"]["compute"] == 312_000


def test_a_card_model_that_no_text_can_name_is_not_there(machine):
    for code in ("%00", "a%00b", "nothing"):
        assert machine.get(f"accelerators/{code}").status_code == 404
