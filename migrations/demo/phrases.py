"""What is found and reported in the demo district: words per category, and how often each category comes."""

from __future__ import annotations

HAZARD_WEIGHTS = {
    "safety_hazard": 0.27,
    "fire": 0.17,
    "facility": 0.2,
    "water_leak": 0.09,
    "sanitation": 0.12,
    "street_vending": 0.05,
    "parking": 0.1,
}
HAZARDS: dict[str, tuple[str, ...]] = {
    "safety_hazard": (
        "外墙饰面松动，有坠落风险",
        "配电箱门未上锁",
        "飞线给电动车充电",
        "阳台花盆摆放在护栏外",
        "施工围挡松动",
    ),
    "fire": ("消防通道堆放杂物", "楼道内停放电动车", "消防栓箱内缺水带", "安全出口指示灯不亮", "灭火器压力不足"),
    "facility": ("井盖破损", "路灯不亮", "健身器材螺栓松动", "单元门闭门器损坏", "人行道地砖塌陷"),
    "water_leak": ("供热管井渗水", "楼顶排水管脱落", "地下车库顶板渗漏", "雨水箅子堵塞"),
    "sanitation": ("建筑垃圾乱堆", "垃圾桶满溢未清运", "绿化带内有白色垃圾"),
    "street_vending": ("占用盲道摆摊", "店外经营占用人行道"),
    "parking": ("占用消防车登高场地停车", "僵尸车长期占位", "堵塞小区出入口停车"),
}
INCIDENT_WEIGHTS = {
    "resident_service": 0.17,
    "dispute": 0.12,
    "parking": 0.12,
    "sanitation": 0.11,
    "facility": 0.11,
    "water_leak": 0.08,
    "street_vending": 0.06,
    "elder_care": 0.06,
    "safety_hazard": 0.05,
    "public_order": 0.04,
    "medical": 0.02,
    "fire": 0.015,
    "lost_person": 0.015,
    "other": 0.03,
}
INCIDENTS: dict[str, tuple[str, ...]] = {
    "resident_service": ("咨询医保报销手续", "申请开具居住证明", "请求协助办理老年证", "咨询供暖报停"),
    "dispute": ("楼上楼下噪声纠纷", "邻里因晾晒发生争执", "宠物扰民引起纠纷", "物业与业主因收费产生矛盾"),
    "parking": ("车辆堵住单元门口", "私装地锁占用公共车位", "出入口被车辆堵塞"),
    "sanitation": ("楼道堆放杂物有异味", "垃圾点蚊蝇较多", "有人随意倾倒装修垃圾"),
    "facility": ("电梯停运", "单元门禁失灵", "路灯大面积不亮", "井盖缺失"),
    "water_leak": ("自来水管爆裂", "暖气管道漏水", "下水道返水"),
    "street_vending": ("流动摊贩占道经营", "夜市油烟扰民"),
    "elder_care": ("独居老人请求上门量血压", "老人家中电灯不亮请求帮助", "老人行动不便请求代买药品"),
    "safety_hazard": ("高空抛物险些伤人", "电线垂落离地很低", "闻到疑似燃气味"),
    "public_order": ("有人酒后滋事", "电动车电瓶被盗", "有陌生人敲门推销"),
    "medical": ("老人突然晕倒", "居民胸痛求助"),
    "fire": ("楼道起烟", "垃圾桶着火", "厨房油锅起火"),
    "lost_person": ("五岁男童走失", "患病老人外出未归"),
    "other": ("流浪犬聚集", "树枝折断影响通行"),
}
CHANNELS = {
    "hotline": 0.34,
    "wechat": 0.27,
    "app": 0.13,
    "patrol": 0.18,
    "sensor": 0.02,
    "department": 0.05,
    "checkpoint": 0.01,
}
REPORTER_OF = {
    "hotline": "resident",
    "wechat": "resident",
    "app": "resident",
    "patrol": "worker",
    "sensor": "device",
    "department": "department",
    "checkpoint": "department",
}
