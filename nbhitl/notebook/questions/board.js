// The list of a board: shows the rows that match, and tells the kernel what a person wants with them. Text is
// textContent. Filtering works while the kernel is busy; all else waits for it.
const SIGNS = { open: "\u25cb", ready: "\u270e", answered: "\u2713", lost: "\u2298", refused: "\u26a0" };
const WORDS = { open: "open", ready: "ready", answered: "answered", lost: "closed", refused: "not taken" };

function make(tag, className, text = "") {
  const found = document.createElement(tag);
  found.className = className;
  found.textContent = text;
  return found;
}

function clock(left) {
  const s = Math.max(0, Math.ceil(left / 1000));
  const two = (n) => String(n).padStart(2, "0");
  if (s >= 172800) return `${Math.floor(s / 86400)} days`;
  return s >= 3600
    ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
    : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

function render({ model, el }) {
  el.classList.add("nbh-board-list");
  const head = make("div", "nbh-board-head");
  const search = make("input", "nbh-board-search");
  search.type = "search";
  search.placeholder = "Filter by node or text";
  search.setAttribute("aria-label", "Filter the questions by node or text");
  const states = make("select", "nbh-board-states");
  states.setAttribute("aria-label", "Which questions are shown");
  for (const [value, text] of [["", "All"], ["open", "Open"], ["ready", "Ready"]]) {
    const option = make("option", "", text);
    option.value = value;
    states.append(option);
  }
  const count = make("span", "nbh-board-count");
  count.setAttribute("role", "status");
  head.append(search, states, count);
  const list = make("ul", "nbh-board-rows");
  list.setAttribute("aria-label", "Questions");
  const foot = make("div", "nbh-board-foot");
  const send = make("button", "jupyter-widgets jupyter-button widget-button mod-primary nbh-board-submit");
  const same = make("button", "jupyter-widgets jupyter-button widget-button nbh-board-same");
  const hint = make("span", "nbh-board-hint", "Set an answer in the form; answers are submitted together.");
  const back = make("button", "jupyter-widgets jupyter-button widget-button nbh-board-back", "Take back");
  back.title = "Do not submit the answer of the question that is open";
  foot.append(send, same, back, hint);
  const closed = make("div", "nbh-board-closed");
  closed.setAttribute("role", "status");
  el.append(head, list, foot, closed);

  const times = new Map();
  const rows = () => model.get("rows");
  const waits = (row) => row.state === "open" || row.state === "refused";
  const matches = (row) => {
    const sought = search.value.trim().toLowerCase();
    const text = `${row.node} ${row.text} ${row.said}`.toLowerCase();
    const state = states.value;
    return text.includes(sought) && (!state || row.state === state || (state === "open" && waits(row)));
  };
  const others = () => {
    const from = rows().find((row) => row.id === model.get("opened"));
    if (from === undefined) return [null, []];
    const source = from.state === "ready" ? from : rows().find((row) => row.id === model.get("last"));
    if (source === undefined || source.state !== "ready") return [null, []];
    return [source, rows().filter((row) => row.kind === source.kind && waits(row) && matches(row))];
  };
  const line = (row) => {
    const item = make("li", "");
    const button = make("button", `nbh-board-row nbh-is-${row.state}`);
    button.type = "button";
    button.dataset.id = row.id;
    const opened = row.id === model.get("opened");
    button.setAttribute("aria-current", String(opened));
    const sign = make("span", "nbh-board-sign", SIGNS[row.state]);
    sign.setAttribute("aria-hidden", "true");
    const state = make("span", "nbh-board-state", WORDS[row.state]);
    const text = make("span", "nbh-board-text", row.text);
    button.append(sign, make("span", "nbh-board-node", row.node), text, state);
    if (row.until && (waits(row) || row.state === "ready")) {
      const time = make("span", "nbh-board-time");
      time.title = `then: ${row.then}`;
      times.set(row.id, [time, row.until]);
      button.append(time);
    }
    if (row.said) button.append(make("span", "nbh-board-said", row.said));
    button.addEventListener("click", () => model.send({ type: "open", id: row.id }));
    item.append(button);
    return item;
  };
  const tick = () => {
    for (const [time, until] of times.values()) time.textContent = clock(until - Date.now());
  };
  const paint = () => {
    const focused = el.contains(document.activeElement) ? document.activeElement.dataset.id : undefined;
    const shown = rows().filter(matches);
    times.clear();
    list.replaceChildren(...shown.map(line));
    tick();
    if (focused !== undefined) [...list.querySelectorAll("button")].find((b) => b.dataset.id === focused)?.focus();
    const open = rows().filter(waits).length;
    const ready = rows().filter((row) => row.state === "ready").length;
    const part = shown.length === rows().length ? "" : `${shown.length} of ${rows().length} shown, `;
    count.textContent = `${part}${open} open, ${ready} ready`;
    send.disabled = model.get("busy") || ready === 0;
    send.textContent = model.get("busy") ? "Submitting ..." : ready === 1 ? "Submit 1 answer" : `Submit ${ready || ""} answers`;
    hint.hidden = ready > 0;
    back.hidden = rows().find((row) => row.id === model.get("opened"))?.state !== "ready";
    const [source, alike] = others();
    same.hidden = alike.length === 0;
    same.textContent = source === null ? "" : `Same answer for ${alike.length} more shown`;
    same.title = source === null ? "" : source.said;
    foot.hidden = closed.hidden = false;
    closed.textContent = model.get("closed");
    closed.hidden = !model.get("closed");
    foot.hidden = !closed.hidden || open + ready === 0;
  };
  // When the opened question has its answer, the next open one that is shown is opened.
  let before = new Map(rows().map((row) => [row.id, row.state]));
  const changed = () => {
    paint();
    const id = model.get("opened");
    const all = rows().filter((row) => matches(row) || row.id === id);
    const at = all.findIndex((row) => row.id === id);
    const now = all[at]?.state;
    if (now !== before.get(id) && (now === "ready" || now === "answered")) {
      const next = [...all.slice(at + 1), ...all.slice(0, Math.max(at, 0))].find(waits);
      if (next !== undefined) model.send({ type: "open", id: next.id });
    }
    before = new Map(rows().map((row) => [row.id, row.state]));
  };
  const reveal = () => {
    paint();
    list.querySelector("[aria-current='true']")?.scrollIntoView({ block: "nearest" });
  };
  search.addEventListener("input", paint);
  states.addEventListener("change", paint);
  send.addEventListener("click", () => {
    send.disabled = true;
    model.send({ type: "submit" });
  });
  same.addEventListener("click", () => {
    const [source, alike] = others();
    if (source !== null) model.send({ type: "same", from: source.id, to: alike.map((row) => row.id) });
  });
  back.addEventListener("click", () => model.send({ type: "back", id: model.get("opened") }));
  model.on("change:rows", changed);
  model.on("change:opened", reveal);
  for (const name of ["busy", "closed", "last"]) model.on(`change:${name}`, paint);
  const timer = setInterval(tick, 500);
  paint();
  return () => clearInterval(timer);
}
export default { render };
