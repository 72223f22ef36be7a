"""English names of the standard themes (面向自然人/法人事项主题分类, `contracts.codes.tables`). Pure.

The tables have Chinese names only; the English ones are ours. A theme that both sides have has one name here.
"""

from markupsafe import Markup

from shared.text.bilingual import t

ENGLISH = {
    "生育收养": "Birth and adoption",
    "户籍办理": "Household registration",
    "民族宗教": "Ethnic and religious affairs",
    "教育科研": "Education and research",
    "入伍服役": "Military service",
    "就业创业": "Work and starting up",
    "设立变更": "Founding and changes",
    "准营准办": "Business permits",
    "抵押质押": "Mortgage and pledge",
    "职业资格": "Professional qualifications",
    "纳税缴费": "Taxes and charges",
    "婚姻登记": "Marriage",
    "优待抚恤": "Veterans and survivors",
    "规划建设": "Planning and building",
    "住房保障": "Housing",
    "社会保障（社会保险、社会救助）": "Social security",
    "证件办理": "Identity papers",
    "交通出行": "Driving and transport",
    "旅游观光": "Tourism",
    "出境入境": "Passports and borders",
    "消费维权": "Consumer rights",
    "公共安全": "Public safety",
    "司法公证": "Justice and notaries",
    "知识产权": "Intellectual property",
    "环保绿化": "Environment",
    "文化体育": "Culture and sport",
    "公用事业": "Water, power, gas",
    "医疗卫生": "Health",
    "离职退休": "Leaving work, pensions",
    "死亡殡葬": "Death and funerals",
    "资质认证": "Certification",
    "年检年审": "Annual inspections",
    "税收财务": "Tax and accounts",
    "人力资源": "Staff",
    "社会保障": "Social security",
    "投资审批": "Investment approval",
    "融资信贷": "Finance and credit",
    "商务贸易": "Trade",
    "招标拍卖": "Tenders and auctions",
    "海关口岸": "Customs and ports",
    "涉外服务": "Foreign affairs",
    "农林牧渔": "Farming, forestry, fishing",
    "国土和规划建设": "Land, planning, building",
    "交通运输": "Transport",
    "应对气候变化": "Climate",
    "水务气象": "Water and weather",
    "科技创新": "Science and innovation",
    "文体教育": "Culture, sport, education",
    "质量技术": "Quality and standards",
    "检验检疫": "Inspection and quarantine",
    "安全生产": "Safety at work",
    "公安消防": "Police and fire safety",
    "法人注销": "Closing down",
    "档案文物": "Archives and heritage",
    "地方特色分类": "Local services",
    "其他": "Other",
}


def theme(label: str) -> Markup | str:
    """Return a theme's name in both languages, without the part in brackets; an unknown theme in Chinese only."""
    short = label.partition("（")[0]
    return t(short, ENGLISH[label]) if label in ENGLISH else short
