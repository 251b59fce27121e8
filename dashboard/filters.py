"""The filters of a page: sole owner of their widgets' state and of the URL.

The URL holds language-neutral values and says the whole view: opening a link reproduces it. A value
in it that does not exist is ignored, and the page says so.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import streamlit as st

from dashboard.queries import Choices, Selection
from dashboard.texts import Words, plain
from etl.catalogue import LANGUAGES

PRESETS = {"3m": 3, "6m": 6, "12m": 12, "all": None}
DEFAULT_PERIOD = "6m"
CUSTOM = "custom"
ALL = ""
SINCE_DAYS = (7, 30, 90)
DIMENSIONS = ("channel", "service_type", "category")
STATUSES = ("in_warranty", "expired", "not_accepted", "retired")
_MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"
_RANGE = re.compile(rf"({_MONTH})\.\.({_MONTH})")
_IN_URL = (
    "contract", "department", "period", "as_of", "lang", "clause", "find", "status", "unit",
    "beside",
)  # fmt: skip
_LONGEST_ID = 200
BEFORE = "before"
_WRITTEN = "filters.written"
_ASKED = "filters.asked"
_IGNORED = "filters.ignored"
_GO = "filters.go"
_AWAY = "filters.away"


@dataclass(frozen=True)
class Filters:
    """One view of the data. `as_of` None is the data horizon, `contract` None every contract.

    `unit` is the unit that stands open in the drawer. `beside` is what a trend is compared with:
    `before` (the period before), `contract:…` or `department:…`.
    """

    contract: str | None = None
    department: str | None = None
    period: str = DEFAULT_PERIOD
    as_of: date | None = None
    language: str = "zh"
    clause: str | None = None
    find: str = ""
    status: str | None = None
    unit: str | None = None
    beside: str | None = None
    ignored: tuple[str, ...] = field(default=(), compare=False)

    def months(self, last: str) -> tuple[str | None, str | None]:
        """The first and last month of the period that ends with `last`; None for all."""
        if found := _RANGE.fullmatch(self.period):
            return found[1], found[2]
        length = PRESETS[self.period]
        return (None, None) if length is None else (_shift(last, 1 - length), last)

    def selection(self, last: str) -> Selection:
        """The obligations in view, where `last` is the month of as_of."""
        first, until = self.months(last)
        return Selection(self.contract, self.department, first, until)

    def before(self, last: str) -> Selection | None:
        """The equally long period before the one in view; None before `all`."""
        first, until = self.months(last)
        if first is None or until is None:
            return None
        length = _number(until) - _number(first) + 1
        return Selection(self.contract, self.department, _shift(first, -length), _shift(first, -1))

    def compared(self, last: str) -> Selection | None:
        """What the view is compared with; None where nothing was chosen."""
        if self.beside is None:
            return None
        if self.beside == BEFORE:
            return self.before(last)
        kind, _, value = self.beside.partition(":")
        changed: dict[str, object] = {kind: value}
        if kind == "contract":
            changed["department"] = None  # another contract has departments of its own
        return self.selection(last).but(**changed)

    def query(self) -> dict[str, str]:
        """The URL's parameters that say this view; what is as by default is left out."""
        said = {
            "contract": self.contract,
            "department": self.department,
            "period": None if self.period == DEFAULT_PERIOD else self.period,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "lang": self.language,
            "clause": self.clause,
            "find": self.find,
            "status": self.status,
            "unit": self.unit,
            "beside": self.beside,
        }
        return {name: value for name, value in said.items() if value}


def parse(query: Mapping[str, str], choices: Choices) -> Filters:
    """The view that a URL says; `ignored` names the parameters whose value does not exist."""
    found: dict[str, str | date] = {}
    ignored: list[str] = []
    for name, value in query.items():
        if name in _IN_URL and value:
            accepted = _accept(name, value, choices)
            if accepted is None:
                ignored.append(name)
            else:
                found["language" if name == "lang" else name] = accepted
    return Filters(**found, ignored=tuple(ignored))  # type: ignore[arg-type]


def _accept(name: str, value: str, choices: Choices) -> str | date | None:
    if name == "as_of":
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return None
        return day if _earliest(choices) <= day <= _latest(choices) else None
    if name == "period":
        if value in PRESETS:
            return value
        found = _RANGE.fullmatch(value)
        return value if found and found[1] <= found[2] else None
    if name == "find":
        return value[:80]
    if name == "unit":
        return value if len(value) <= _LONGEST_ID else None
    if name == "beside":
        return value if value in beside_choices(choices) else None
    known = {
        "contract": choices.contracts,
        "department": choices.departments,
        "lang": LANGUAGES,
        "clause": choices.clauses,
        "status": STATUSES,
    }
    return value if value in known[name] else None


def language(default: str) -> str:
    """The language of this visit: the chosen one, the URL's, the browser's, else `default`."""
    asked = st.session_state.get("lang") or st.query_params.get("lang")
    if asked in LANGUAGES:
        return str(asked)
    locale = st.context.locale
    if not locale:
        return default
    return "zh" if locale.lower().startswith("zh") else "en"


def bar(title: str, words: Words, choices: Choices, own: tuple[str, ...] = ()) -> Filters:
    """Draw the row of filters beside the page's title; the view that they say.

    `own` names the parameters that only some pages have: clause, find, status.
    """
    _adopt_url(choices, words.language)
    with st.container(key="filters", horizontal=True, vertical_alignment="center", gap="small"):
        st.title(title, anchor=False, width="stretch")
        st.selectbox(
            words("filter.contract"),
            (ALL, *choices.contracts),
            format_func=lambda one: (
                words("filter.all_contracts")
                if one == ALL
                else f"{one} {choices.contracts[one]}".strip()
            ),
            key="contract",
            label_visibility="collapsed",
            width=210,
        )
        st.selectbox(
            words("filter.department"),
            (ALL, *choices.departments),
            format_func=lambda one: words("filter.all_departments") if one == ALL else one,
            key="department",
            label_visibility="collapsed",
            width=150,
        )
        st.segmented_control(
            words("filter.period"),
            (*PRESETS, CUSTOM),
            format_func=lambda one: words(f"filter.period_{one}"),
            key="preset",
            required=True,
            label_visibility="collapsed",
        )
        if st.session_state["preset"] == CUSTOM:
            for end in ("first", "last"):
                st.selectbox(
                    words(f"filter.{end}_month"),
                    choices.months,
                    format_func=lambda month: words.month(month, with_year=True),
                    key=end,
                    label_visibility="collapsed",
                    width=130,
                )
        st.date_input(
            words("filter.as_of"),
            min_value=_earliest(choices),
            max_value=_latest(choices),
            format="YYYY-MM-DD",
            key="as_of",
            label_visibility="collapsed",
            width=132,
        )
        switch(words)
    chosen = _chosen(choices, words.language, own)
    _write_url(chosen)
    return chosen


def heading(title: str, words: Words) -> None:
    """Draw the title of a page that has no filters; what they say elsewhere is kept."""
    state = st.session_state
    state[_AWAY] = True
    if _WRITTEN not in state:
        state[_ASKED] = {**state.get(_ASKED, {}), **st.query_params.to_dict()}
    with st.container(key="filters", horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="stretch")
        switch(words)
    if st.query_params.get("lang") != words.language:
        st.query_params["lang"] = words.language


def section(words: Words, names: tuple[str, ...]) -> str:
    """Draw the choice of a section of the data page and return it."""
    if wanted := st.session_state.pop(_GO, None):
        st.session_state["data_section"] = wanted
    st.session_state.setdefault("data_section", names[0])
    chosen = st.segmented_control(
        words("data.section"),
        names,
        format_func=lambda one: words(f"data.section_{one}"),
        key="data_section",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen or names[0]


def go_to_section(name: str) -> None:
    """Turn to another section of the data page with the next run."""
    st.session_state[_GO] = name


def switch(words: Words) -> None:
    """The language switch."""
    st.session_state.setdefault("lang", words.language)
    st.segmented_control(
        words("filter.language"),
        LANGUAGES,
        format_func=lambda one: words(f"filter.language_{one}"),
        key="lang",
        required=True,
        label_visibility="collapsed",
    )


def stage(words: Words, titles: Mapping[str, str], default: str) -> str:
    """Draw the choice of a stage (clause → title) and return it."""
    if st.session_state.get("clause") not in titles:
        st.session_state["clause"] = default
    chosen = st.pills(
        words("filter.stage"),
        list(titles),
        format_func=lambda one: plain(titles[one]),
        key="clause",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen or default


def beside_choices(choices: Choices) -> tuple[str, ...]:
    """What a trend can be compared with."""
    contracts = (f"contract:{one}" for one in choices.contracts)
    departments = (f"department:{one}" for one in choices.departments)
    return (BEFORE, *contracts, *departments)


def beside(words: Words, choices: Choices) -> None:
    """Draw the choice of what to compare with; it is read back as `Filters.compared`."""
    state = st.session_state
    shown = (f"contract:{state['contract']}", f"department:{state['department']}")
    offered = tuple(one for one in beside_choices(choices) if one not in shown)
    if state.get("beside") not in offered:
        state["beside"] = None
    st.selectbox(
        words("filter.beside"),
        offered,
        index=None,
        format_func=lambda one: beside_title(words, one),
        key="beside",
        placeholder=words("filter.beside"),
        label_visibility="collapsed",
        width=230,
        persist_state="session",
    )


def beside_title(words: Words, one: str) -> str:
    """What is compared with, in words."""
    return words("filter.beside_before") if one == BEFORE else one.partition(":")[2]


def dimension(words: Words) -> str:
    """Draw the choice of what to break down by and return it: a column of the marts."""
    chosen: str = st.segmented_control(
        words("filter.dimension"),
        DIMENSIONS,
        format_func=lambda one: words(f"filter.dimension_{one}"),
        key="dimension",
        default=DIMENSIONS[0],
        required=True,
        label_visibility="collapsed",
    )
    return chosen


def since(words: Words) -> int:
    """Draw the choice of how many days back to compare with and return it."""
    chosen: int = st.segmented_control(
        words("filter.since"),
        SINCE_DAYS,
        format_func=lambda days: words("filter.since_days", n=days),
        key="since",
        default=SINCE_DAYS[0],
        required=True,
        label_visibility="collapsed",
    )
    return chosen


def status(words: Words) -> str | None:
    """Draw the choice of units by the status of their warranty and return it; None for all."""
    chosen: str | None = st.pills(
        words("filter.status"),
        STATUSES,
        format_func=lambda one: words(f"status.{one}"),
        key="status",
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen


def show_unit(equipment_id: str | None) -> None:
    """Say in the URL which unit stands open; None where none does."""
    if st.session_state.get("unit") == equipment_id:
        return
    st.session_state["unit"] = equipment_id
    said = {**st.session_state.get(_WRITTEN, {}), "unit": equipment_id}
    _write({name: value for name, value in said.items() if value})


def search(words: Words, hint: str = "filter.find_hint") -> str:
    """Draw the search for a ticket or unit and return what was typed."""
    typed: str | None = st.text_input(
        words("filter.find"),
        key="find",
        type="search",
        max_chars=80,
        placeholder=words(hint),
        label_visibility="collapsed",
        persist_state="session",
    )
    return (typed or "").strip()


def ignored() -> tuple[str, ...]:
    """The parameters of the URL that were ignored."""
    return tuple(st.session_state.get(_IGNORED, ()))


def _adopt_url(choices: Choices, language: str) -> None:
    """Set the widgets from the URL on the first run, and whenever it was changed outside."""
    state, query = st.session_state, st.query_params.to_dict()
    first = _WRITTEN not in state
    if first:
        query = {**state.pop(_ASKED, {}), **query}
    away = state.pop(_AWAY, False)
    returned = not query or (away and query.keys() == {"lang"})
    if adopted := first or not (returned or query == state[_WRITTEN]):
        said = parse(query, choices)
        state[_IGNORED] = said.ignored
        state["lang"] = language if first else said.language
        for name in ("clause", "find", "status", "beside"):
            if getattr(said, name) or first:
                state[name] = getattr(said, name)
        state["unit"] = said.unit
    else:
        said = parse(state[_WRITTEN], choices)
    # Streamlit drops or empties the widgets that a run did not draw.
    for name, value in _widgets(said, choices):
        if adopted or away or state.get(name) is None:
            state[name] = value
    _drop_what_is_gone(choices)


def _widgets(said: Filters, choices: Choices) -> Iterator[tuple[str, object]]:
    yield "contract", said.contract or ALL
    yield "department", said.department or ALL
    yield "as_of", said.as_of or choices.horizon
    found = _RANGE.fullmatch(said.period)
    yield "preset", CUSTOM if found else said.period
    last = choices.months[-1]
    yield "first", found[1] if found else _shift(last, -5)
    yield "last", found[2] if found else last


def _drop_what_is_gone(choices: Choices) -> None:
    state = st.session_state
    for name, known in (("contract", choices.contracts), ("department", choices.departments)):
        if state[name] not in known:
            state[name] = ALL
    for name, other in (("first", 0), ("last", -1)):
        if state.get(name) not in choices.months:
            state[name] = choices.months[other]
    if state["as_of"] is None or not _earliest(choices) <= state["as_of"] <= _latest(choices):
        state["as_of"] = choices.horizon


def _chosen(choices: Choices, language: str, own: tuple[str, ...]) -> Filters:
    state = st.session_state
    first, last = sorted((str(state["first"]), str(state["last"])))
    return Filters(
        contract=state["contract"] or None,
        department=state["department"] or None,
        period=f"{first}..{last}" if state["preset"] == CUSTOM else state["preset"],
        as_of=None if state["as_of"] in (None, choices.horizon) else state["as_of"],
        language=language,
        clause=state.get("clause") if "clause" in own else None,
        find=state.get("find") or "" if "find" in own else "",
        status=state.get("status") if "status" in own else None,
        unit=state.get("unit"),
        beside=state.get("beside") if "beside" in own else None,
        ignored=ignored(),
    )


def _write_url(chosen: Filters) -> None:
    _write(chosen.query())


def _write(said: dict[str, str]) -> None:
    if st.query_params.to_dict() != said:
        st.query_params.from_dict(said)
    st.session_state[_WRITTEN] = said


def _earliest(choices: Choices) -> date:
    return date.fromisoformat(f"{choices.months[0]}-01")


def _latest(choices: Choices) -> date:
    return max(choices.horizon, date.today())


def _number(month: str) -> int:
    year, number = month.split("-")
    return int(year) * 12 + int(number) - 1


def _shift(month: str, by: int) -> str:
    year, number = divmod(_number(month) + by, 12)
    return f"{year:04d}-{number + 1:02d}"
