"""The reference tables are read exactly, and what cannot be read exactly is refused with its line."""

from decimal import Decimal

import pytest

from market.reference import Precision, Status, accelerators, centres, hubs
from market.reference.tables import code_of, read_accelerators, read_centres

CARD_COLUMNS = (
    "vendor,model,architecture,domestic,peak_int8_tops,peak_fp16_tflops,memory_gib,memory_kind,max_power_w,"
    "process_nm,released,note"
)
CENTRE_COLUMNS = "name,builder,province,city,capacity_pflops,precision,status,capacity_as_printed,note"


def accelerator(code):
    return next(fact for fact in accelerators() if fact.code == code)


def centre(name):
    return next(fact for fact in centres() if fact.name == name)


def table(path, columns, *lines):
    path.write_text("\n".join([columns, *lines]), encoding="utf-8")
    return path


def test_every_line_of_the_tables_is_read():
    assert (len(accelerators()), len(centres()), len(hubs())) == (12, 47, 10)


def test_cards_have_codes_for_urls():
    assert [fact.code for fact in accelerators()] == [
        "nvidia-a100-80gb-pcie",
        "nvidia-h100-sxm",
        "amd-mi100",
        "google-tpu-v5p",
        "hygon-shensuan-1",
        "huawei-ascend-310",
        "huawei-ascend-910",
        "huawei-ascend-910b",
        "cambricon-mlu370-x4",
        "biren-bili-104p",
        "biren-br100",
        "iluvatar-tiangai-100",
    ]


def test_a_card_keeps_its_figures_to_the_digit():
    card = accelerator("amd-mi100")

    assert (card.fp16_tflops, card.int8_tops, card.memory_gib) == (Decimal("184.6"), Decimal("184.6"), 32)
    assert (card.domestic, card.memory_kind, card.max_power_w, card.released) == (False, "HBM2", 300, "2020-Q4")


def test_a_missing_figure_stays_missing():
    card = accelerator("huawei-ascend-910b")

    assert (card.domestic, card.fp16_tflops, card.int8_tops, card.memory_gib) == (True, Decimal(376), None, None)


def test_figures_that_count_sparsity_are_marked():
    assert [fact.code for fact in accelerators() if fact.with_sparsity] == ["nvidia-h100-sxm"]


def test_the_peak_follows_the_arithmetic():
    card = accelerator("huawei-ascend-910")

    assert [card.peak(precision) for precision in Precision] == [Decimal(320), Decimal(640), None]


def test_a_centre_is_read_with_its_hub_and_the_words_of_the_source():
    fact = centre("北京昇腾人工智能计算中心")

    assert (fact.builders, fact.province, fact.city, fact.hub) == (("华为昇腾",), "北京市", "北京市", "京津冀")
    assert (fact.capacity_pflops, fact.precision, fact.status) == (Decimal(100), Precision.FP16, Status.OPERATING)
    assert fact.capacity_as_printed == "一期100P（短期500P，远期1000P）"


def test_a_centre_may_have_several_builders_or_none():
    assert centre("南京智能计算中心").builders == ("浪潮", "寒武纪")
    assert centre("石景山智算中心").builders == ()


def test_a_centre_without_figures_has_none():
    fact = centre("济南人工智能计算中心")

    assert (fact.capacity_pflops, fact.precision, fact.hub) == (None, None, None)


def test_there_are_eight_hubs_with_ten_clusters():
    assert len({fact.hub for fact in hubs()}) == 8
    assert {(fact.side, fact.cluster) for fact in hubs() if fact.hub == "成渝"} == {
        ("west", "天府集群"),
        ("west", "重庆集群"),
    }


def test_a_name_without_a_latin_form_has_no_code():
    with pytest.raises(ValueError, match="燧原 云燧T20 has no Latin name"):
        code_of("燧原", "云燧T20")


def test_a_byte_order_mark_is_not_part_of_the_table(tmp_path):
    path = table(tmp_path / "cards.csv", "\ufeff" + CARD_COLUMNS, "NVIDIA,L4,Ada,no,485,242,24,GDDR6,72,5,2023,")

    assert [fact.code for fact in read_accelerators(path)] == ["nvidia-l4"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("NVIDIA,L4,Ada,maybe,485,242,24,GDDR6,72,5,2023,", "cards.csv, line 2: 'maybe' is neither yes nor no"),
        ("NVIDIA,L4,Ada,no,fast,242,24,GDDR6,72,5,2023,", "cards.csv, line 2: 'fast' is not a number"),
        ("NVIDIA,L4,Ada,no,-1,242,24,GDDR6,72,5,2023,", "cards.csv, line 2: '-1' is not a positive number"),
        ("NVIDIA,L4,Ada,no,NaN,242,24,GDDR6,72,5,2023,", "cards.csv, line 2: 'NaN' is not a positive number"),
        ("NVIDIA,L4,Ada,no,485,242,2.5,GDDR6,72,5,2023,", "cards.csv, line 2: invalid literal"),
        (",L4,Ada,no,485,242,24,GDDR6,72,5,2023,", "cards.csv, line 2: vendor is empty"),
    ],
)
def test_a_malformed_card_is_refused_with_its_line(tmp_path, line, complaint):
    with pytest.raises(ValueError, match=complaint):
        read_accelerators(table(tmp_path / "cards.csv", CARD_COLUMNS, line))


def test_one_card_twice_is_refused(tmp_path):
    line = "NVIDIA,L4,Ada,no,485,242,24,GDDR6,72,5,2023,"

    with pytest.raises(ValueError, match=r"cards\.csv: nvidia-l4 comes twice"):
        read_accelerators(table(tmp_path / "cards.csv", CARD_COLUMNS, line, line))


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"cards\.csv: there is no column 'vendor'"):
        read_accelerators(table(tmp_path / "cards.csv", "model,domestic", "L4,no"))


@pytest.mark.parametrize("line", ["某中心,,北京市,北京市,1,FP8,operating,,", "某中心,,北京市,北京市,1,FP16,planned,,"])
def test_an_unknown_precision_or_status_is_refused(tmp_path, line):
    with pytest.raises(ValueError, match=r"centres\.csv, line 2: .* is not a valid"):
        read_centres(table(tmp_path / "centres.csv", CENTRE_COLUMNS, line))
