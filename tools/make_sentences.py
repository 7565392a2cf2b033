"""Write the sentences that device builds are verified with: templates of our own, filled in by a fixed seed.

Usage: python tools/make_sentences.py > edge/edgener_edge/sentences.txt
"""

from __future__ import annotations

import random

COUNT = 228
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
{p}昨天从{l}飞往{m}，参加{o}举办的会议。
{o}发言人{p}表示，{l}的旱情已经缓解。
{l}是我去过的最美的地方！
据{o}报道，{p}和{q}将于下月访问{l}。
{p}：“我在{l}住了三十年，从没见过这么大的雪。”
1998年3月12日，{o}在{l}成立，{p}任会长。
记者{p}{l}报道：{o}今日公布了第3季度的数据。
你见过{p}吗？他在{o}门口等你。
{l}、{m}和周边地区明天有小雨，气温5℃至12℃，{p}提醒{o}的司机慢行。
{o}与{s}签署协议，在{l}共建实验室（一期投资2.5亿元）。
{p}教授的新书《{l}的四季》由{o}出版社出版。
{l}的春天来了，{p}家门前的花都开了。
在{l}举行的决赛中，{p}以3∶2战胜{q}，夺得冠军；{o}向他表示祝贺。
ＡＢＣ公司的{p}说：ＯＫ，{l}见！
{p}😀去了{l}🚄，顺便看了看{o}。
{o}主席{p}、副主席{q}出席了在{l}召开的第十二次全体会议并发表讲话，会议由{s}承办。
The CEO of {o}, {p}, lives in {l}.
从{l}到{m}的铁路全长1318公里，{o}负责运营，{p}是总工程师，{q}是他的助手，两人都毕业于{s}。
""".splitlines()


def main() -> None:
    """Print the sentences: every template in turn, then one very short, one empty and two very long lines."""
    choose = random.Random(20260101)
    lines = []
    for number in range(COUNT):
        (p, q), (place, other), (o, s) = (choose.sample(names, 2) for names in (PEOPLE, PLACES, ORGANIZATIONS))
        lines.append(TEMPLATES[number % len(TEMPLATES)].format(p=p, q=q, l=place, m=other, o=o, s=s))
    lines += ["好", "", "".join(lines[:12]), "，".join(line.rstrip("。！？") for line in lines[20:38])]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
