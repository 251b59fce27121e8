const CELL = "[role=gridcell][tabindex]";
const across = (cell, row) => row?.children[[...cell.parentElement.children].indexOf(cell)];
const BESIDE = {
  ArrowLeft: (cell) => cell.previousElementSibling,
  ArrowRight: (cell) => cell.nextElementSibling,
  ArrowUp: (cell) => across(cell, cell.parentElement.previousElementSibling),
  ArrowDown: (cell) => across(cell, cell.parentElement.nextElementSibling),
};

function made(role, text) {
  const element = document.createElement("div");
  element.role = role;
  element.textContent = text;
  return element;
}

function named([name, beside]) {
  const header = made("rowheader", name);
  header.title = beside ? `${name}  ${beside}` : name;
  if (beside) {
    const fainter = document.createElement("span");
    fainter.textContent = `  ${beside}`;
    header.append(fainter);
  }
  return header;
}

function drawn(data, cell) {
  if (!cell) {
    const gap = made("gridcell", "");
    gap.style.background = data.empty;
    return gap;
  }
  const [, , fill, ink, text, said, key] = cell;
  const shown = made("gridcell", text);
  shown.style.background = fill;
  shown.style.color = ink;
  shown.tabIndex = cell === data.cells[0] ? 0 : -1;
  shown.ariaLabel = said.join(", ");
  return Object.assign(shown, { key, said });
}

function draw(grid, data) {
  const { rows, columns, above } = data;
  const placed = rows.map(() => []);
  for (const cell of data.cells) placed[cell[0]][cell[1]] = cell;
  const lines = [
    [made("gridcell", ""), ...columns.map((said) => made("columnheader", said.join("\n")))],
    ...rows.map((name, row) => [
      named(name),
      ...columns.map((_, column) => drawn(data, placed[row][column])),
    ]),
  ];
  const [head, first] = above ? [1, 2] : [rows.length + 1, 1];
  lines.forEach((line, number) => {
    for (const one of line) one.style.gridRow = number ? first + number - 1 : head;
  });
  grid.style.setProperty("--columns", columns.length);
  grid.style.setProperty("--narrowest", `${data.narrowest}px`);
  const cells = `repeat(${rows.length}, 30px)`;
  grid.style.gridTemplateRows = above ? `auto ${cells}` : `${cells} auto`;
  grid.replaceChildren(
    ...lines.map((line) => {
      const row = made("row", "");
      row.append(...line);
      return row;
    }),
  );
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector("[role=grid]");
  const tip = parentElement.querySelector("[role=tooltip]");
  const said = JSON.stringify(data);
  if (grid.said !== said) {
    grid.said = said;
    grid.ariaLabel = data.label;
    draw(grid, data);
    grid.scrollLeft = data.latest ? grid.scrollWidth : 0;
  }

  const hide = () => tip.hidePopover();
  const show = (cell) => {
    tip.replaceChildren(...cell.said.map((line) => made("paragraph", line)));
    tip.showPopover();
    const place = cell.getBoundingClientRect();
    const left = place.left + (place.width - tip.offsetWidth) / 2;
    const above = place.top - tip.offsetHeight - 6;
    tip.style.left = `${Math.max(8, Math.min(left, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${above < 8 ? place.bottom + 6 : above}px`;
  };
  grid.onpointerover = (event) => {
    const cell = event.target.closest(CELL);
    if (cell) show(cell);
    else hide();
  };
  grid.onpointerleave = hide;
  grid.onclick = (event) => {
    const cell = event.target.closest(CELL);
    hide();
    if (cell) setTriggerValue("cell", cell.key);
  };
  const focused = (event) => event.target.matches(":focus-visible") && show(event.target);
  grid.onkeydown = (event) => {
    const cell = event.target.closest(CELL);
    if (!cell) return;
    if (event.key === "Escape") return hide();
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return cell.click();
    }
    const beside = BESIDE[event.key];
    if (!beside) return;
    event.preventDefault();
    let next = beside(cell);
    while (next && !next.matches(CELL)) next = beside(next);
    if (!next) return;
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
  grid.addEventListener("focusin", focused);
  grid.addEventListener("focusout", hide);
  return () => {
    hide();
    grid.removeEventListener("focusin", focused);
    grid.removeEventListener("focusout", hide);
  };
}
