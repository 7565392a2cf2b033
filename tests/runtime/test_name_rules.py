"""Span rules that join the parts of names, and drop what is no name."""

from __future__ import annotations

import pytest

from edgener.span_rules.registry import apply_rules
from edgener.tags import ScoredSpan, Span
from tests.runtime.corrected_spans import RULES, corrected


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("古巴主席迪亚斯-卡内尔会谈", ["迪亚斯", "卡内尔"], ["迪亚斯-卡内尔"]),
        ("勒布朗－詹姆斯得分", ["勒布朗", "詹姆斯"], ["勒布朗－詹姆斯"]),
        ("安东尼-戴维斯得分", ["安东尼", "戴维斯"], ["安东尼-戴维斯"]),
        ("卡里姆·阿卜杜勒-贾巴尔", ["卡里姆·阿卜杜勒", "贾巴尔"], ["卡里姆·阿卜杜勒-贾巴尔"]),
        ("外长让-马克·埃罗说", ["马克·埃罗"], ["让-马克·埃罗"]),
        ("罗贝尔·让-马克", ["罗贝尔", "马克"], ["罗贝尔", "让-马克"]),
        ("王小明-李娜组合", ["王小明", "李娜"], ["王小明", "李娜"]),
        ("列宁—斯大林", ["列宁", "斯大林"], ["列宁", "斯大林"]),
        ("Tim-库克", ["Tim", "库克"], ["Tim", "库克"]),
        ("习近平-李克强体制", ["习近平", "李克强"], ["习近平", "李克强"]),
        ("章子怡-佟丽娅-倪妮", ["章子怡", "佟丽娅", "倪妮"], ["章子怡", "佟丽娅", "倪妮"]),
        ("林丹-谌龙决赛", ["林丹", "谌龙"], ["林丹", "谌龙"]),
        ("马琳-丁宁决赛", ["马琳", "丁宁"], ["马琳", "丁宁"]),
        ("拜登-习近平会晤", ["拜登", "习近平"], ["拜登", "习近平"]),
        ("特朗普-金正恩会晤", ["特朗普", "金正恩"], ["特朗普", "金正恩"]),
        ("汤姆·汉克斯-梅丽尔·斯特里普", ["汤姆·汉克斯", "梅丽尔·斯特里普"], ["汤姆·汉克斯", "梅丽尔·斯特里普"]),
        ("阿利松-范戴克-罗伯逊", ["阿利松", "范戴克", "罗伯逊"], ["阿利松", "范戴克", "罗伯逊"]),
        (
            "阿库福-阿多、琳达·托马斯-格林菲尔德",
            ["阿库福", "阿多", "琳达·托马斯", "格林菲尔德"],
            ["阿库福-阿多", "琳达·托马斯-格林菲尔德"],
        ),
        ("-马克说", ["马克"], ["马克"]),
    ],
)
def test_foreign_names_go_on_over_their_hyphen(text: str, before: list[str], after: list[str]) -> None:
    marked = [(name, "PER") for name in before]
    assert corrected(text, *marked) == [(name, "PER") for name in after]


def test_places_with_a_hyphen_between_them_stay_apart() -> None:
    marked = (("北京", "LOC"), ("上海", "LOC"))
    assert corrected("北京-上海高铁", *marked) == list(marked)


def test_of_joined_names_the_less_certain_gives_the_score() -> None:
    spans = [ScoredSpan(Span(0, 3, "PER"), 0.6), ScoredSpan(Span(4, 7, "PER"), 0.9)]
    assert apply_rules(RULES, "迪亚斯-卡内尔", spans) == [ScoredSpan(Span(0, 7, "PER"), 0.6)]


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("在北京理工大学（珠海）学院读", ["北京理工大学", "珠海）学院"], ["北京理工大学（珠海）学院"]),
        ("国家电网(江苏)电力公司", ["国家电网", "江苏)电力公司"], ["国家电网(江苏)电力公司"]),
        ("中大恒基（中大恒基博客）市场部", ["中大恒基", "中大恒基博客）市场部"], None),
        ("第三机械工业部（航空工业）部长", ["第三机械工业部", "航空工业）部"], None),
        ("甲公司（乙公司）", ["甲公司", "乙公司"], None),
    ],
)
def test_an_organization_goes_on_after_its_bracket(text: str, before: list[str], after: list[str] | None) -> None:
    marked = [(name, "ORG") for name in before]
    assert corrected(text, *marked) == [(name, "ORG") for name in after or before]


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("立信会计师事务所（特殊普通合伙）出具", "立信会计师事务所", "立信会计师事务所（特殊普通合伙）"),
        ("某中心(有限合伙)减持", "某中心", "某中心(有限合伙)"),
        ("天健事务所（普通合伙）杭州分所的", "天健事务所", "天健事务所（普通合伙）杭州分所"),
        ("华为（公司）说", "华为", "华为"),
        ("起诉Huawei Technologies Co., Ltd.侵权", "Huawei", "Huawei Technologies Co., Ltd."),
        ("收购Tesla, Inc.的", "Tesla", "Tesla, Inc."),
        ("和Amazon.com, Inc.的", "Amazon", "Amazon.com, Inc."),
        ("向Apple Companion", "Apple", "Apple"),
        ("OpenAI Co-CEO", "OpenAI", "OpenAI"),
        ("Facebook Group的管理员", "Facebook", "Facebook"),
        ("向HSBC Holdings plc还", "HSBC", "HSBC Holdings plc"),
        ("向苹果 Inc", "苹果", "苹果"),
        ("Huawei Technologies Co.,Ltd.在深圳", "Huawei Technologies", "Huawei Technologies Co.,Ltd."),
        ("Apple\xa0Inc.发布", "Apple", "Apple\xa0Inc."),
        ("Samsung Co., Ltd.（三星）", "Samsung Co.", "Samsung Co., Ltd."),
    ],
)
def test_an_organization_takes_in_its_legal_form(text: str, before: str, after: str) -> None:
    assert corrected(text, (before, "ORG")) == [(after, "ORG")]
    assert corrected(text, (before, "PER")) == [(before, "PER")]


def test_what_an_organization_takes_in_is_no_name_of_its_own() -> None:
    text = "天健事务所(普通合伙)杭州分所"
    assert corrected(text, ("天健事务所", "ORG"), ("杭州分所", "ORG")) == [(text, "ORG")]
    marked = (("天健事务所", "ORG"), ("杭州分所所长王明", "PER"))
    assert corrected(f"{text}所长王明", *marked) == list(marked)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("板橋區文化路一段100號", "文化路", "文化路一段100號"),
        ("重慶南路一段122巷3弄5之1號", "重慶南路", "重慶南路一段122巷3弄5之1號"),
        ("天府大道中段1388号", "天府大道", "天府大道中段1388号"),
        ("在临园路东段见", "临园路", "临园路东段"),
        ("长安街东段", "长安街", "长安街东段"),
        ("津浦铁路北段", "津浦铁路", "津浦铁路"),
        ("高速公路北段", "高速公路", "高速公路"),
        ("中山路段长", "中山路", "中山路"),
        ("淮海路一段时间内", "淮海路", "淮海路"),
        ("南京路一段路走", "南京路", "南京路"),
        ("中山路一段的", "中山路", "中山路"),
        ("中山路二段的", "中山路", "中山路二段"),
        ("朝阳街道一段5号", "朝阳街道", "朝阳街道"),
        ("宁波路桥中段", "宁波路桥", "宁波路桥"),
        ("人民南路四段九号", "人民南路", "人民南路四段九号"),
    ],
)
def test_a_road_takes_in_its_section(text: str, before: str, after: str) -> None:
    assert corrected(text, (before, "LOC")) == [(after, "LOC")]


@pytest.mark.parametrize(
    ("text", "name", "label", "is_name"),
    [
        ("演唱了《成都》。", "成都", "LOC", False),
        ("电影《拿破仑》", "拿破仑", "PER", False),
        ("《人民日报》说", "人民日报", "ORG", True),
        ("《成都的歌》", "成都", "LOC", True),
        ("福建舰下水", "福建", "LOC", False),
        ("福建艦下水", "福建", "LOC", False),
        ("美国舰队", "美国", "LOC", True),
        ("日本舰", "日本", "LOC", True),
        ("法国舰", "法国", "LOC", True),
        ("加拿大舰与", "加拿大", "LOC", True),
        ("福建舰只", "福建", "LOC", True),
        ("北京舰", "北京", "ORG", True),
        ("台风杜苏芮登陆", "杜苏芮", "PER", False),
        ("飓风“米尔顿”", "米尔顿", "PER", False),
        ("颱風「桦加沙」", "桦加沙", "LOC", False),
        ("台风福建登陆", "福建", "LOC", True),
        ("台风“福建登陆”", "福建", "LOC", True),
        ("微风王小明", "王小明", "PER", True),
        ("面对台风李强作出", "李强", "PER", True),
        ("因應颱風卓榮泰視察", "卓榮泰", "PER", True),
        ("针对台风邢善萍要求", "邢善萍", "PER", True),
        ("防御台风\n杜苏芮", "杜苏芮", "PER", True),
        ("台风海燕来", "海燕", "PER", False),
    ],
)
def test_titles_ships_and_storms_are_no_names(text: str, name: str, label: str, is_name: bool) -> None:
    assert corrected(text, (name, label)) == ([(name, label)] if is_name else [])


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("张伟 zhangwei@example.com", "张伟 zhangwei", ["张伟"]),
        ("邮箱：john.smith@example.com", "john.smith", []),
        ("邮箱：john.smith@example.com", "example.com", []),
        ("a@example.com李娜", "example.com李娜", ["李娜"]),
        ("看https://example.com/openai吧", "openai", []),
        ("看www.example.com吧", "example", []),
        ("李娜@微博说", "李娜", ["李娜"]),
        ("OpenAI说", "OpenAI", ["OpenAI"]),
        ("官网https://example.com/,Tim Cook说", "Tim Cook", ["Tim Cook"]),
        ('<a href="https://example.com">Microsoft</a>', "Microsoft", ["Microsoft"]),
        ("https://example.com|Elon Musk|", "Elon Musk", ["Elon Musk"]),
    ],
)
def test_no_part_of_an_address_of_mail_or_web_is_a_name(text: str, before: str, after: list[str]) -> None:
    assert corrected(text, (before, "PER")) == [(name, "PER") for name in after]
