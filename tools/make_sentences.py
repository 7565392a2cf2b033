"""Write the sentences that device builds are verified with: templates of our own, filled in by a fixed seed.

Usage: python tools/make_sentences.py > edge/edgener_edge/sentences.txt
"""

from __future__ import annotations

import random

COUNT = 216
PEOPLE = (
    "王小明", "李建国", "张丽华", "陈思远", "欧阳志强", "司马云", "赵敏", "刘洋", "周恩霖", "孙悦然", "吴桐",
    "郑和平", "诸葛青", "林婉儿", "黄海波", "高翔", "阿依古丽", "扎西顿珠", "约翰逊", "玛丽亚",
)  # fmt: skip
PLACES = (
    "北京", "上海", "广州市", "深圳", "成都平原", "拉萨", "乌鲁木齐", "黄河", "长江三角洲", "珠穆朗玛峰", "东京",
    "巴黎", "纽约", "埃及", "柏林", "西安市雁塔区", "杭州西湖", "南京路", "呼和浩特", "海南岛",
)  # fmt: skip
ORGANIZATIONS = (
    "北京大学", "清华大学", "中国科学院", "新华社", "外交部", "联合国", "世界卫生组织", "中国人民银行", "华为公司",
    "上海证券交易所", "国家图书馆", "红十字会", "四川省人民医院", "广州恒大足球俱乐部", "铁道部", "教育部",
    "复旦大学附属中学", "欧洲联盟", "深圳市科技局", "西藏自治区政府",
)  # fmt: skip
TEMPLATES = """\
{p}在{o}工作。
{p}昨天从{l}飞往{m}。
{o}发言人{p}
{l}是个好地方！
{p}和{q}将访问{l}。
{p}：“我在{l}住过。”
{o}在{l}成立。
记者{p}{l}报道
你见过{p}吗？
{l}、{m}明天有小雨。
{o}与{s}签约。
{p}教授的新书
{p}以3∶2战胜{q}。
ＡＢＣ的{p}：ＯＫ！
{p}😀去了{l}🚄
{o}主席{p}
CEO of {o}: {p}
{l}到{m}1318公里
""".splitlines()
LONG = "1998年3月12日，{o}主席{p}、副主席{q}出席了在{l}召开的第十二次全体会议并发表讲话，会议由{s}承办。"


def main() -> None:
    """Print the sentences: every template in turn, then a very short, an empty and a long line."""
    choose = random.Random(20260101)
    lines = []
    for template in [*(TEMPLATES * (COUNT // len(TEMPLATES))), LONG]:
        (p, q), (place, other), (o, s) = (choose.sample(names, 2) for names in (PEOPLE, PLACES, ORGANIZATIONS))
        lines.append(template.format(p=p, q=q, l=place, m=other, o=o, s=s))
    lines += ["好", ""]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
