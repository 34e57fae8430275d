// Small helpers that every module of the page uses.

export const byId = (id) => document.getElementById(id);
export const pick = (...ids) => Object.fromEntries(ids.map((id) => [id, byId(id)]));

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function button(className, text, onClick) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

export function field(text, control) {
  return element("label", "field", `${text} `, control);
}

export function number(value, least, most) {
  return Object.assign(element("input"), { type: "number", min: least, max: most, value, inputMode: "numeric" });
}

// Fill a select; an entry is a value, or a pair of value and text. What was chosen stays chosen where it still exists.
export function choices(select, entries) {
  const before = select.value;
  select.replaceChildren(...entries.map((entry) => {
    const [value, text] = Array.isArray(entry) ? entry : [entry, entry];
    return new Option(text, value, false, value === before);
  }));
  return select;
}

// On a phone the rows are laid out as grids, and a table that is laid out otherwise would lose its meaning.
export function withRoles(table) {
  const roles = { "thead, tbody, tfoot": "rowgroup", tr: "row", td: "cell", "thead th": "columnheader", "tbody th, tfoot th": "rowheader" };
  table.setAttribute("role", "table");
  for (const [selector, role] of Object.entries(roles)) table.querySelectorAll(selector).forEach((each) => each.setAttribute("role", role));
  return table;
}

// --- numbers and names as they are written

export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
// a true minus is as wide as the plus, so that columns stand
export function signed(value, digits = 3) {
  const size = Math.abs(value).toFixed(digits);
  return `${value < 0 && Number(size) !== 0 ? "−" : "+"}${size}`;
}


// `instruments-pecmae.tenor-saxophone.2` of the class `tenor saxophone` is called `tenor saxophone #2`.
export const nameOf = (id, label) => `${label} #${id.slice(id.lastIndexOf(".") + 1)}`;
// small ones are told apart, too
export const similarityOf = ({ similarity }) => similarity.toFixed(similarity < 0.1 ? 3 : 2);

// --- colours

const channels = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));

export function colour(name) {
  return channels(getComputedStyle(document.documentElement).getPropertyValue(name).trim());
}

export const mix = (from, to, share) => from.map((low, index) => Math.round(low + (to[index] - low) * share));

export function onScheme(repaint) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
}

// --- what concerns the whole page

let hide;
export function notice(text, good = false) {
  const box = byId("notice");
  box.classList.toggle("error", !good);
  box.textContent = text;
  box.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => { box.hidden = true; }, 8000);
}
