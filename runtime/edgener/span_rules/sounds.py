"""The characters that foreign names are written with in Chinese, which tell them from Chinese names."""

from __future__ import annotations

SOUNDS = frozenset(
    "丁丘东丝丰丹丽乌乔亚亞亨什仑代伊伍休伦伯伽佐佛佩侖保倫偉傑克內兰兹内冈冯凡凯凱切列利别加努劳勃勒勞南博卜卡卢厄历古可史叶吉哈哥喬因图圖圣圭坎坡坦埃基塔塞士多大夫夸奇奈奥妮姆威娅娜婭孔孟宁安宾密寧尔尚尤"
    "尼山岡崙巴布希帕平库庞康廉廖廷弗彭彼律德恩恰戈戴扎托扬拉拿挪揚文斯施日旺昂昆明易普曼朗本朱杜杰松林查柯根格桑桦梅森榮樺欧歐武歷比永汉汤沃沙治法波泰泽洛海涅湯滕漢潘澤澳热爾特玛珀珍班琳琴琼瑞瑟瑪瓊瓦甘申"
    "登皮盖盧破祖福科穆简範米約納紐索紹絲維约纳纽绍维罗羅翁翰考耶聖肯舍舒艾芒芬芮苏英茂范茨茱茲荣莉莎莫莱菲萊萨葉蒂蒙蓋薩蘇蘭西詹諾謝让诺谢費賓贝费贾赫路达迈连迪通道達邁邓鄧里锡门阿陀陶隆雅雷霍韦頓顿馬馮马"
    "魯鲁鲍麗麥麦默齊齐龐"
    "·"
)
"""Characters of names as the news agencies transcribe them, in both scripts, and the dot between their parts."""
FAMILY_NAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾"
    "夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文張劉陳楊黃趙吳孫馬羅鄭謝許韓鄧馮蕭葉蔣"
    "蘇呂盧鍾譚陸範賈鄒閆龍賀顧龔萬錢嚴湯喬賴"
)
"""Frequent Chinese family names."""


def is_foreign(name: str) -> bool:
    """Return True if all of a name is written as foreign names are; some Chinese names are, too."""
    return SOUNDS.issuperset(name)


def is_short_chinese(name: str) -> bool:
    """Return True for two characters of which the first is a frequent Chinese family name."""
    return len(name) == 2 and name[0] in FAMILY_NAMES
