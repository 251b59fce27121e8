"""The story that the sample tells, as data: contracts, people, problems, incidents, bad rows.

Every name is invented; the city of 云汀 does not exist.
"""

from dataclasses import dataclass
from datetime import date, datetime

EPOCH = date(2025, 1, 1)
DAY = 86_400


def day(text: str) -> int:
    """The day `2026-03-31` as the number of days since EPOCH."""
    return (date.fromisoformat(text) - EPOCH).days


def instant(text: str) -> int:
    """The instant `2026-03-31 09:00` as the number of seconds since EPOCH."""
    moment = datetime.fromisoformat(text)
    return (moment.date() - EPOCH).days * DAY + moment.hour * 3600 + moment.minute * 60


LAST_DAY = day("2026-09-30")
HORIZON = (LAST_DAY + 1) * DAY - 1


@dataclass(frozen=True)
class Problem:
    """What people report: its code, fault class, words, the part that mends it, what can have it.

    `kinds` are device categories; empty where any device can have the problem.
    """

    code: str
    fault_class: str
    words: str
    part: str | None = None
    kinds: frozenset[str] = frozenset()

    def fits(self, category: str) -> bool:
        """Whether a device of `category` can have the problem."""
        return not self.kinds or category in self.kinds


@dataclass(frozen=True)
class Part:
    """A spare part and what it costs, in fen."""

    number: str
    name: str
    cost: int


@dataclass(frozen=True)
class Model:
    """A kind of device under a contract."""

    category: str
    brand: str
    model: str
    share: float
    warranty_months: int | None = None


@dataclass(frozen=True)
class Batch:
    """A share of the units that was accepted on one day."""

    share: float
    accepted: int


@dataclass(frozen=True)
class Spell:
    """A stretch of days, both inside, in which something is different by `factor`."""

    first: int
    last: int
    factor: float


@dataclass(frozen=True)
class Forgotten:
    """A department that nobody visited in these months."""

    department: str
    first: int
    last: int


@dataclass(frozen=True)
class Script:
    """A ticket of the story: this unit, this problem, this end, reported at `at` or soon after."""

    at: int
    unit: int
    problem: str
    outcome: str = "fixed"
    unrecoverable: bool = False
    replaced_after: int | None = None
    other_model: bool = False


@dataclass(frozen=True)
class Meeting:
    """A special period; the plan is filed late or never where the story wants it."""

    name: str
    starts: int
    ends: int
    plan_filed: int | None


@dataclass(frozen=True)
class Session:
    """A training session."""

    held: int
    topics: tuple[str, ...]
    attendees: int
    signed_by: str


@dataclass(frozen=True)
class Habits:
    """How often things go wrong at a contract, as shares of the cases they can happen in."""

    miss_response: float
    miss_onsite: float
    no_response_time: float
    no_knowledge: float
    no_document: float
    miss_visit: float
    late_report: float
    unsatisfied: float
    conduct: float
    charged: float


@dataclass(frozen=True)
class Contract:
    """One contract, its parties, units, people, habits and incidents."""

    code: str
    contract_id: str
    name: str
    vendor: str
    buyer: str
    amount: int
    bid: int
    awarded: int
    signed: int
    accepted: int
    manager: str
    office: str | None
    tickets: float
    units: float
    departments: tuple[str, ...]
    slow_department: str
    models: tuple[Model, ...]
    batches: tuple[Batch, ...]
    engineers: tuple[str, ...]
    workday: tuple[int, ...]
    weekend: tuple[int, ...]
    weekdays: tuple[float, ...]
    seasons: tuple[Spell, ...]
    habits: Habits
    bad: tuple[Spell, ...]
    bulk_days: tuple[int, ...]
    shortage: Spell | None
    stocked: int
    forgotten: tuple[Forgotten, ...]
    visits_until: int
    scripts: tuple[Script, ...]
    meetings: tuple[Meeting, ...]
    training: tuple[Session, ...]
    terms: tuple[tuple[str, str], ...] = ()
    response_minutes: int = 30
    phone_minutes: int = 5


PARTS = (
    Part("PWR-65", "电源模块", 38_000),
    Part("TSC-21", "21寸触摸屏组件", 126_000),
    Part("PRH-80", "热敏打印头", 42_000),
    Part("MBD-H1", "工控主板", 248_000),
    Part("SSD-256", "固态硬盘", 36_000),
    Part("RDR-ID", "读卡器模块", 69_000),
    Part("FAN-12", "散热风扇", 4_500),
    Part("NIC-G1", "千兆网卡", 15_800),
)
PART_BY_NUMBER = {part.number: part for part in PARTS}

_PRINTING = frozenset({"自助挂号机", "报告打印机", "自助服务终端", "排队叫号机"})
_READING = frozenset({"自助挂号机", "护士站终端", "自助服务终端", "窗口终端", "教师终端"})
_TOUCHED = frozenset(
    {"自助挂号机", "护士站终端", "移动查房车", "智慧黑板", "自助服务终端", "排队叫号机", "窗口终端"}
)
_COMPUTERS = _TOUCHED | {"教师终端", "录播主机"}

HARDWARE = (
    Problem("H-PWR-01", "hardware", "无法开机,电源灯不亮", "PWR-65"),
    Problem("H-PWR-02", "hardware", "使用中频繁断电重启", "PWR-65"),
    Problem("H-TSC-03", "hardware", "触摸屏点击无反应", "TSC-21", _TOUCHED),
    Problem("H-PRT-04", "hardware", "打印头卡纸,打印不清", "PRH-80", _PRINTING),
    Problem("H-MBD-05", "hardware", "主板报警,反复蓝屏", "MBD-H1", _COMPUTERS),
    Problem("H-SSD-06", "hardware", "硬盘读写报错,系统无法启动", "SSD-256", _COMPUTERS),
    Problem("H-RDR-07", "hardware", "读卡器读不到卡", "RDR-ID", _READING),
    Problem("H-FAN-08", "hardware", "风扇异响,机身过热", "FAN-12"),
    Problem("H-NIC-09", "hardware", "网口无连接,指示灯不亮", "NIC-G1"),
    Problem("H-CBL-10", "operation", "线缆松动,时好时坏"),
)
SOFTWARE = (
    Problem("S-APP-11", "software", "客户端闪退", kinds=_COMPUTERS),
    Problem("S-APP-12", "software", "业务页面卡在加载,重启无效", kinds=_COMPUTERS),
    Problem("S-CFG-13", "configuration", "升级后参数丢失,无法联网"),
    Problem("S-CFG-14", "configuration", "打印服务配置错误,打不出单据", kinds=_PRINTING),
    Problem("S-LIC-15", "software", "提示授权失效", kinds=_COMPUTERS),
    Problem("S-OPR-16", "operation", "误改设置,找不到入口"),
    Problem("S-NET-17", "configuration", "与后台接口连接超时"),
)
PROBLEM_BY_CODE = {problem.code: problem for problem in HARDWARE + SOFTWARE}
REQUESTS = {
    "consultation": (
        "询问月度报表导出方法",
        "咨询如何更换打印纸",
        "咨询账号权限如何开通",
        "询问开机自检提示的含义",
        "咨询保养周期和注意事项",
    ),
    "upgrade": ("申请升级客户端版本", "申请升级固件", "申请安装安全补丁"),
    "development_support": (
        "后台接口字段变更,请协调厂家支持",
        "新增统计报表的开发支持",
        "与统一身份认证对接的开发支持",
    ),
}
FINDINGS = (0, 0, 0, 1, 0, 2, 1, 0, 3, 0)

SERVICE_MIX = (
    ("hardware_fault", 0.50),
    ("software_fault", 0.26),
    ("consultation", 0.16),
    ("upgrade", 0.06),
    ("development_support", 0.02),
)
FAULT_CHANNELS = (
    ("phone", 0.60),
    ("web", 0.16),
    ("remote", 0.08),
    ("email", 0.07),
    ("onsite", 0.06),
    ("fax", 0.02),
    ("complaint", 0.01),
)
REQUEST_CHANNELS = (
    ("phone", 0.70),
    ("web", 0.12),
    ("email", 0.12),
    ("remote", 0.03),
    ("fax", 0.03),
)
CAUSES = (
    ("equipment", 0.68),
    ("user", 0.11),
    ("manufacture", 0.08),
    ("installation", 0.07),
    ("design", 0.03),
    ("transport", 0.015),
    (None, 0.015),
)
COMPLAINTS = (("service", 0.58), ("quality", 0.36), ("other", 0.06))
RESPONSIBLE = (("客服中心", 0.4), ("工程部", 0.35), ("备件中心", 0.15), ("质量部", 0.1))

_WARD = (5, 4, 3, 3, 3, 4, 7, 16, 34, 38, 34, 26, 16, 22, 32, 30, 26, 18, 12, 10, 9, 8, 7, 6)
_WARD_WEEKEND = (5, 4, 4, 3, 3, 4, 6, 10, 16, 18, 16, 13, 10, 11, 13, 13, 12, 10, 9, 8, 8, 7, 6, 5)
_SCHOOL = (0, 0, 0, 0, 0, 0, 1, 18, 36, 34, 28, 14, 8, 24, 34, 28, 16, 6, 4, 4, 3, 2, 1, 0)
_SCHOOL_WEEKEND = (0, 0, 0, 0, 0, 0, 1, 3, 8, 10, 9, 5, 3, 6, 9, 8, 5, 3, 2, 3, 3, 2, 1, 0)
_COUNTER = (1, 0, 0, 0, 0, 0, 1, 6, 34, 44, 40, 24, 8, 22, 40, 36, 24, 8, 4, 3, 2, 2, 1, 1)
_COUNTER_WEEKEND = (1, 1, 0, 0, 0, 0, 1, 4, 16, 20, 16, 8, 4, 8, 12, 10, 6, 4, 3, 2, 2, 2, 1, 1)

_SPRING_FESTIVAL = Spell(day("2026-02-15"), day("2026-02-23"), 0.35)
_NATIONAL_DAY = Spell(day("2025-10-01"), day("2025-10-08"), 0.5)

HOSPITAL = Contract(
    code="YY",
    contract_id="HT-2025-018",
    name="门诊住院自助与护理终端采购项目",
    vendor="云汀澄序科技有限公司",
    buyer="云汀市第一人民医院",
    amount=386_000_000,
    bid=day("2024-12-10"),
    awarded=day("2024-12-24"),
    signed=day("2025-01-08"),
    accepted=day("2025-03-20"),
    manager="陈经理",
    office="云汀市澄序服务站(学府路)",
    tickets=0.48,
    units=0.45,
    departments=(
        "门诊部",
        "急诊科",
        "检验科",
        "影像科",
        "药剂科",
        "手术室",
        "重症医学科",
        "心内科",
        "儿科",
        "妇产科",
        "住院部",
        "体检中心",
    ),
    slow_department="检验科",
    models=(
        Model("自助挂号机", "澜序", "LX-K210", 0.26),
        Model("护士站终端", "澜序", "LX-N15", 0.24, 24),
        Model("移动查房车", "砺川", "LC-W7", 0.18),
        Model("报告打印机", "砺川", "LC-P80", 0.20),
        Model("网络交换机", "禾图", "HT-S24", 0.12, 36),
    ),
    batches=(Batch(0.72, day("2025-03-20")), Batch(0.28, day("2025-09-12"))),
    engineers=("陈工", "林工", "周工", "何工", "罗工", "高工"),
    workday=_WARD,
    weekend=_WARD_WEEKEND,
    weekdays=(1.16, 1.08, 1.04, 1.02, 1.02, 0.72, 0.62),
    seasons=(Spell(day("2025-03-20"), day("2025-06-18"), 1.2), _SPRING_FESTIVAL),
    habits=Habits(0.021, 0.03, 0.006, 0.008, 0.0, 0.004, 0.03, 0.2, 0.05, 0.001),
    bad=(Spell(day("2026-01-01"), day("2026-03-31"), 8.2),),
    bulk_days=(),
    shortage=Spell(day("2026-01-19"), day("2026-02-24"), 0.0),
    stocked=day("2025-03-20"),
    forgotten=(Forgotten("体检中心", day("2025-11-01"), day("2026-02-28")),),
    visits_until=LAST_DAY,
    scripts=(
        Script(instant("2025-10-14 09:20"), 17, "H-MBD-05", "not_fixed"),
        Script(instant("2025-10-20 08:40"), 17, "H-MBD-05", "not_fixed", replaced_after=47),
        Script(instant("2025-08-05 10:10"), 40, "H-TSC-03", unrecoverable=True),
        Script(instant("2026-01-13 14:30"), 40, "H-TSC-03", unrecoverable=True),
        Script(instant("2026-04-21 09:00"), 40, "H-TSC-03", unrecoverable=True),
        Script(instant("2026-02-03 20:15"), 61, "H-PWR-02", unrecoverable=True),
        Script(instant("2026-01-22 09:30"), 88, "H-SSD-06", "not_fixed"),
        Script(instant("2026-01-27 15:10"), 88, "H-SSD-06", "not_fixed", replaced_after=22),
    ),
    meetings=(
        Meeting(
            "等级医院复评审",
            instant("2025-10-20 08:00"),
            instant("2025-10-24 18:00"),
            day("2025-10-13"),
        ),
        Meeting(
            "冬季呼吸道高峰保障",
            instant("2025-12-22 00:00"),
            instant("2026-01-11 23:59"),
            day("2025-12-18"),
        ),
        Meeting(
            "国庆值守保障",
            instant("2026-10-01 00:00"),
            instant("2026-10-07 23:59"),
            day("2026-09-25"),
        ),
    ),
    training=(
        Session(day("2025-03-27"), ("operation", "maintenance"), 46, "王主任"),
        Session(day("2025-04-10"), ("troubleshooting",), 31, "王主任"),
        Session(day("2025-09-18"), ("operation", "maintenance", "troubleshooting"), 28, "李护士长"),
    ),
    terms=(
        ("sla.response.target", "0.95"),
        ("sla.onsite.target", "0.95"),
        ("sla.response.penalty_per_breach", "100"),
        ("penalty_cap", "60000"),
    ),
)

SCHOOLS = Contract(
    code="JY",
    contract_id="HT-2025-041",
    name="智慧教室设备采购项目",
    vendor="云汀衡维信息技术有限公司",
    buyer="云汀市教育局",
    amount=274_560_000,
    bid=day("2025-04-22"),
    awarded=day("2025-05-09"),
    signed=day("2025-05-28"),
    accepted=day("2025-08-22"),
    manager="赵经理",
    office=None,
    tickets=0.29,
    units=0.35,
    departments=(
        "实验小学",
        "第二小学",
        "第三小学",
        "第五小学",
        "㳇水小学",
        "第一中学",
        "第三中学",
        "第四中学",
        "职业中专",
        "教师进修学校",
    ),
    slow_department="㳇水小学",
    models=(
        Model("智慧黑板", "澜序", "LX-B86", 0.42),
        Model("录播主机", "禾图", "HT-R4", 0.14, 24),
        Model("教师终端", "砺川", "LC-T14", 0.30),
        Model("校园网交换机", "禾图", "HT-S48", 0.14, 36),
    ),
    batches=(Batch(0.8, day("2025-08-22")), Batch(0.2, day("2026-01-16"))),
    engineers=("赵工", "钱工", "吴工", "郑工"),
    workday=_SCHOOL,
    weekend=_SCHOOL_WEEKEND,
    weekdays=(1.3, 1.1, 1.05, 1.0, 0.95, 0.18, 0.14),
    seasons=(
        Spell(day("2025-09-01"), day("2025-09-30"), 1.5),
        _NATIONAL_DAY,
        Spell(day("2026-01-24"), day("2026-02-25"), 0.2),
        Spell(day("2026-07-04"), day("2026-08-24"), 0.22),
        Spell(day("2026-08-25"), day("2026-09-20"), 1.35),
    ),
    habits=Habits(0.030, 0.035, 0.014, 0.04, 0.02, 0.012, 0.07, 0.26, 0.08, 0.004),
    bad=(Spell(day("2025-09-01"), day("2025-09-21"), 2.2),),
    bulk_days=(day("2025-11-12"), day("2026-03-10"), day("2026-05-20")),
    shortage=Spell(day("2026-08-31"), day("2026-09-16"), 0.0),
    stocked=day("2025-08-27"),
    forgotten=(Forgotten("职业中专", day("2026-04-01"), day("2026-05-31")),),
    visits_until=LAST_DAY,
    scripts=(
        Script(instant("2025-12-02 10:05"), 9, "H-TSC-03", "not_fixed"),
        Script(
            instant("2025-12-09 09:15"),
            9,
            "H-TSC-03",
            "not_fixed",
            replaced_after=16,
            other_model=True,
        ),
        Script(instant("2026-03-18 08:50"), 33, "H-MBD-05", "not_fixed"),
        Script(instant("2026-03-25 08:30"), 33, "H-MBD-05", "not_fixed"),
        Script(instant("2025-11-05 13:40"), 52, "H-PWR-02", unrecoverable=True),
        Script(instant("2026-05-12 09:10"), 71, "H-NIC-09", unrecoverable=True),
    ),
    meetings=(
        Meeting(
            "普通高考考点保障",
            instant("2026-06-06 08:00"),
            instant("2026-06-09 20:00"),
            day("2026-06-08"),
        ),
        Meeting(
            "中考考点保障",
            instant("2026-06-19 08:00"),
            instant("2026-06-22 18:00"),
            day("2026-06-12"),
        ),
        Meeting(
            "开学季保障",
            instant("2026-08-28 08:00"),
            instant("2026-09-04 18:00"),
            day("2026-08-20"),
        ),
        Meeting("成人高考考点保障", instant("2026-10-24 07:00"), instant("2026-10-25 20:00"), None),
    ),
    training=(
        Session(day("2025-08-26"), ("operation",), 120, "孙老师"),
        Session(day("2025-09-12"), ("maintenance",), 34, "孙老师"),
        Session(day("2025-10-15"), ("troubleshooting",), 30, "孙老师"),
    ),
)

COUNTER = Contract(
    code="ZW",
    contract_id="HT-2025-067",
    name="政务大厅自助服务设备采购项目",
    vendor="云汀澄序科技有限公司",
    buyer="云汀市政务服务中心",
    amount=158_230_050,
    bid=day("2025-07-15"),
    awarded=day("2025-08-01"),
    signed=day("2025-08-20"),
    accepted=day("2025-11-26"),
    manager="陈经理",
    office="云汀市澄序服务站(学府路)",
    tickets=0.23,
    units=0.20,
    departments=(
        "综合窗口",
        "社保医保区",
        "不动产登记区",
        "税务服务区",
        "公安服务区",
        "企业开办区",
    ),
    slow_department="不动产登记区",
    models=(
        Model("自助服务终端", "澜序", "LX-G32", 0.38),
        Model("排队叫号机", "砺川", "LC-Q5", 0.16),
        Model("高拍仪", "砺川", "LC-C13", 0.28),
        Model("窗口终端", "澜序", "LX-W12", 0.18, 24),
    ),
    batches=(Batch(1.0, day("2025-11-26")),),
    engineers=("冯工", "许工", "沈工"),
    workday=_COUNTER,
    weekend=_COUNTER_WEEKEND,
    weekdays=(1.25, 1.1, 1.05, 1.0, 1.0, 0.5, 0.12),
    seasons=(_SPRING_FESTIVAL,),
    habits=Habits(0.014, 0.015, 0.003, 0.0, 0.0, 0.0, 0.01, 0.12, 0.0, 0.0),
    bad=(Spell(day("2026-08-10"), day("2026-08-23"), 2.0),),
    bulk_days=(),
    shortage=None,
    stocked=day("2025-11-26"),
    forgotten=(),
    visits_until=day("2026-08-31"),
    scripts=(
        Script(instant("2026-06-16 09:45"), 12, "H-PWR-02", unrecoverable=True),
        Script(instant("2026-09-08 10:00"), 21, "H-RDR-07", "not_fixed"),
        Script(instant("2026-09-16 09:25"), 21, "H-RDR-07", "not_fixed"),
    ),
    meetings=(
        Meeting(
            "市两会服务保障",
            instant("2026-01-19 08:00"),
            instant("2026-01-23 18:00"),
            day("2026-01-12"),
        ),
        Meeting(
            "政务开放日",
            instant("2026-05-16 08:00"),
            instant("2026-05-17 18:00"),
            day("2026-05-11"),
        ),
        Meeting(
            "营商环境现场会",
            instant("2026-09-22 08:00"),
            instant("2026-09-23 18:00"),
            day("2026-09-15"),
        ),
    ),
    training=(
        Session(day("2025-12-04"), ("operation", "maintenance", "troubleshooting"), 38, "刘科长"),
        Session(day("2026-05-22"), ("operation",), 17, "刘科长"),
    ),
    terms=(
        ("response_minutes", "20"),
        ("phone_minutes", "3"),
        ("complaint_hours", "12"),
        ("report_days", "5"),
        ("replacement_days", "20"),
        ("sla.phone_support.target", "0.95"),
        ("sla.response.target", "0.95"),
        ("sla.onsite.target", "0.95"),
        ("sla.software_resolution.target", "0.95"),
        ("sla.hardware_repair.target", "0.95"),
        ("sla.hardware_swap.target", "0.9"),
        ("sla.loaner.target", "0.8"),
        ("sla.stay_until_resolved.target", "0.95"),
        ("sla.signed_off.target", "0.95"),
        ("spares.ratio.target", "0.95"),
        ("complaint.acknowledged.target", "0.9"),
        ("sla.response.penalty_per_breach", "200"),
        ("penalty_cap", "50000"),
    ),
    response_minutes=20,
    phone_minutes=3,
)

CONTRACTS = (HOSPITAL, SCHOOLS, COUNTER)


@dataclass(frozen=True)
class Planted:
    """A row with a fault, written as it stands at the end of its sheet.

    `refused` rows are rejected on loading, the others wait; `about` says in words why.
    """

    sheet: str
    log: str
    cells: dict[str, str]
    about: str
    refused: bool = True


PLANTED = (
    Planted(
        "tickets YY 2025",
        "tickets",
        {
            "ticket_id": "GDYY-X001",
            "contract_id": "HT-2025-018",
            "department": "儿科",
            "channel": "电话",
            "service_type": "硬件故障",
            "reported_at": "2025/7/8 10:30",
            "responded_at": "2025/7/8 9:55",
            "resolved_at": "2025/7/8 15:20",
            "description": "触摸屏点击无反应",
        },
        "responded_at lies before reported_at",
    ),
    Planted(
        "tickets YY 2026",
        "tickets",
        {
            "ticket_id": "GDYY-X002",
            "contract_id": "HT-2025-018",
            "department": "门诊部",
            "channel": "传呼",
            "service_type": "软件故障",
            "reported_at": "2026/4/14 9:12",
            "responded_at": "2026/4/14 9:20",
            "description": "客户端闪退",
        },
        "channel 传呼 is none of the choices",
    ),
    Planted(
        "tickets YY 2026",
        "tickets",
        {
            "ticket_id": "GDYY-X003",
            "contract_id": "HT-2025-018",
            "department": "药剂科",
            "channel": "电话",
            "service_type": "硬件故障",
            "reported_at": "2026/2/31 9:20",
            "responded_at": "2026/2/31 9:41",
            "description": "打印头卡纸,打印不清",
        },
        "reported_at and responded_at are 31 February, which does not exist",
    ),
    Planted(
        "tickets JY",
        "tickets",
        {
            "ticket_id": "GDJY-X001",
            "contract_id": "HT-2025-041",
            "department": "第二小学",
            "channel": "电话",
            "service_type": "硬件故障",
            "reported_at": "2026-03-05 08:10:00",
            "responded_at": "2026-03-05 08:22:00",
            "onsite_at": "2026-03-05 10:00:00",
            "left_site_at": "2026-03-05 09:30:00",
            "description": "无法开机,电源灯不亮",
        },
        "left_site_at lies before onsite_at",
    ),
    Planted(
        "tickets ZW",
        "tickets",
        {
            "ticket_id": "GDZW-X001",
            "contract_id": "HT-2025-067",
            "department": "综合窗口",
            "channel": "网站",
            "service_type": "软件故障",
            "reported_at": "2026年3月17日 9时5分",
            "responded_at": "2026年3月17日 9时11分",
            "resolved_at": "2026年3月17日 15时40分",
            "closed_at": "2026年3月17日 14时0分",
            "description": "与后台接口连接超时",
        },
        "closed_at lies before resolved_at",
    ),
    Planted(
        "equipment",
        "equipment",
        {
            "equipment_id": "SBYY-X001",
            "brand": "砺川",
            "model": "LC-P80",
            "category": "报告打印机",
            "department": "影像科",
            "accepted_on": "2025-03-20",
        },
        "contract_id is missing",
    ),
    Planted(
        "equipment",
        "equipment",
        {
            "equipment_id": "SBJY-X001",
            "contract_id": "HT-2025-041",
            "brand": "砺川",
            "model": "LC-T14",
            "category": "教师终端",
            "department": "第三中学",
            "accepted_on": "2025-08-22",
            "retired_on": "2025-07-30",
        },
        "retired_on lies before accepted_on",
    ),
    Planted(
        "inspections",
        "inspections",
        {
            "inspection_id": "XJJY-X001",
            "contract_id": "HT-2025-041",
            "kind": "月度",
            "performed_on": "2026/3/9",
            "inspector_id": "JY-E02",
        },
        "department is missing",
    ),
    Planted(
        "parts",
        "parts",
        {
            "movement_id": "LSYY-X001",
            "contract_id": "HT-2025-018",
            "part_no": "PWR-65",
            "location": "本地",
            "moved_at": "2025-11-20 10:05:00",
            "kind": "出库",
            "quantity": "-2",
        },
        "quantity of an issue is negative",
    ),
    Planted(
        "parts",
        "parts",
        {
            "movement_id": "LSJY-X001",
            "contract_id": "HT-2025-041",
            "part_no": "TSC-21",
            "location": "本地",
            "moved_at": "2026-04-02 16:40:00",
            "kind": "入库",
            "quantity": "两块",
        },
        "quantity 两块 is no number",
    ),
    Planted(
        "complaints",
        "complaints",
        {
            "complaint_id": "TSJY-X001",
            "round": "1",
            "contract_id": "HT-2025-041",
            "department": "第一中学",
            "category": "服务",
            "received_at": "2026-04-09 11:00",
            "acknowledged_at": "2026-04-08 15:00",
        },
        "acknowledged_at lies before received_at",
    ),
    Planted(
        "personnel",
        "personnel",
        {
            "engineer_id": "YY-X01",
            "name": "马工",
            "permit_no": "SGZ-YY-X01",
            "permit_from": "2026-03-01",
            "permit_until": "2025-03-01",
        },
        "permit_until lies before permit_from",
    ),
    Planted(
        "tickets ZW",
        "tickets",
        {
            "ticket_id": "GDZW-W001",
            "contract_id": "HT-2025-067",
            "equipment_id": "SBZW-W001",
            "department": "企业开办区",
            "channel": "电话",
            "service_type": "硬件故障",
            "reported_at": "2026年6月11日 10时20分",
            "responded_at": "2026年6月11日 10时28分",
            "resolved_at": "2026年6月11日 16时5分",
            "outcome": "已修复",
            "description": "读卡器读不到卡",
        },
        "equipment_id SBZW-W001 is in no register",
        refused=False,
    ),
    Planted(
        "parts",
        "parts",
        {
            "movement_id": "LSYY-W001",
            "contract_id": "HT-2025-018",
            "part_no": "FAN-12",
            "location": "本地",
            "moved_at": "2026-05-06 14:00:00",
            "kind": "出库",
            "quantity": "1",
            "ticket_id": "GDYY-W999",
        },
        "ticket_id GDYY-W999 is in no ticket log",
        refused=False,
    ),
    Planted(
        "complaints",
        "complaints",
        {
            "complaint_id": "TSJY-W001",
            "round": "2",
            "contract_id": "HT-2025-041",
            "department": "第四中学",
            "category": "质量",
            "received_at": "2026-05-18 09:30",
        },
        "there is no round 1 of this complaint",
        refused=False,
    ),
)
