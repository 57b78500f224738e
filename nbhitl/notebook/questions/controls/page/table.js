// Tables: a grid of cells, of which only those that can be seen are on the page.

const LINE = 30; // the height of a row in pixels, as in style.py
const AHEAD = 20; // rows on the page above and below those that can be seen
const WORDS = {
  integer: 'whole number',
  number: 'number',
  decimal: 'number',
  text: 'text',
  date: 'date',
  time: 'time',
  datetime: 'date and time',
  checkbox: 'yes/no',
  choice: 'choice',
  choices: 'choices',
  json: 'JSON'
};

function table(field, draft, env) {
  const label = field.label || env.bare || 'table';
  const columns = field.fields;
  const rows = Array.isArray(draft?.rows)
    ? draft.rows.map(row => (Array.isArray(row) ? [...row] : [...field.blank]))
    : [];
  const shown = new Map(); // row -> its line on the page
  const wrong = new Map(); // row -> column -> message
  const head = h(
    'tr',
    {},
    h('th', { class: 'nbh-count', scope: 'col' }, h('span', { class: 'nbh-unseen' }, 'row')),
    ...columns.map(c => {
      const type = h('span', { class: 'nbh-type' }, WORDS[c.kind] ?? '');
      return h(
        'th',
        { scope: 'col', title: c.help || null, class: DIGITS.includes(c.kind) ? 'nbh-digits' : '' },
        starred(c),
        type
      );
    }),
    h('th', {}, h('span', { class: 'nbh-unseen' }, 'remove'))
  );
  const [above, under] = [h('tr', { 'aria-hidden': 'true' }), h('tr', { 'aria-hidden': 'true' })];
  const lines = h('tbody', {}, above, under);
  const grid = h('table', { class: 'nbh-grid' }, h('thead', {}, head), lines);
  const view = h('div', { class: 'nbh-scroll', tabindex: '0', role: 'group', 'aria-label': label }, grid);
  const count = h('span', { class: 'nbh-help', role: 'status' });
  const add = button('+ Add row', `add a row to ${label}`, () => {
    insert(rows.length);
    go(rows.length - 1, 0);
  });
  const faults = h('div', { class: 'nbh-faults nbh-error', hidden: true });
  const body = h('div', {}, faults, view, h('div', { class: 'nbh-beside' }, add, count));
  const box = frame(field, env, draft?.on !== false, body);

  /** Puts the lines on the page that can be seen, and a few more. */
  function paint() {
    const first = Math.max(0, Math.floor(view.scrollTop / LINE) - AHEAD);
    const last = Math.min(rows.length, first + Math.ceil((view.clientHeight || 400) / LINE) + 2 * AHEAD);
    const wanted = new Set(rows.slice(first, last));
    for (const [row, line] of shown) {
      if (wanted.has(row)) continue;
      if (line.contains(document.activeElement)) view.focus({ preventScroll: true });
      line.remove();
      shown.delete(row);
    }
    let next = above.nextSibling;
    for (let i = first; i < last; i++) {
      const line = shown.get(rows[i]) ?? draw(rows[i]);
      shown.set(rows[i], line);
      number(line, i);
      if (line === next) next = line.nextSibling;
      else lines.insertBefore(line, next);
    }
    above.style.height = `${first * LINE}px`;
    under.style.height = `${(rows.length - last) * LINE}px`;
    above.hidden = first === 0;
    under.hidden = last === rows.length;
    grid.setAttribute('aria-rowcount', String(rows.length + 1));
    count.textContent = `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`;
    add.disabled = field.longest !== null && rows.length >= field.longest;
  }
  function number(line, i) {
    if (line.dataset.row === String(i)) return;
    line.dataset.row = String(i);
    line.setAttribute('aria-rowindex', String(i + 2));
    line.firstChild.textContent = String(i + 1);
    for (const [c, cell] of line.cells.entries())
      cell.setAttribute('aria-label', `${columns[c].label}, row ${i + 1}`);
    line.drop.setAttribute('aria-label', `remove row ${i + 1}`);
  }
  function draw(row) {
    const cells = columns.map((column, c) => cell(column, row, c));
    const line = h(
      'tr',
      {},
      h('th', { scope: 'row', class: 'nbh-count' }),
      ...cells.map(input => h('td', {}, input))
    );
    line.drop = button('\u2715', 'remove', () => removeRow(row), 'nbh-quiet');
    line.drop.title = 'remove';
    line.append(h('td', {}, line.drop));
    Object.defineProperty(line, 'cells', { value: cells });
    mark(row, line);
    return line;
  }
  function cell(column, row, c) {
    const value = row[c];
    let input;
    let read;
    if (column.kind === 'checkbox') {
      input = h('input', { type: 'checkbox', class: 'nbh-box', checked: value === true });
      read = () => input.checked;
    } else if (column.kind === 'choice') {
      input = dropdown(column.options, value, column.required);
      read = () => (input.value === '' ? null : Number(input.value));
    } else if (['date', 'time', 'datetime'].includes(column.kind)) {
      input = picker(column, value);
      read = () => input.moment();
    } else {
      // An input would lose line breaks that are in the data.
      input = column.kind === 'text' ? h('textarea', { rows: 1, wrap: 'off' }) : h('input', { type: 'text' });
      if (DIGITS.includes(column.kind)) input.classList.add('nbh-digits');
      input.value = typeof value === 'string' ? value : '';
      read = () => input.value;
      // All lines of a cell are seen where the cursor is, else its first one and a sign that there are more.
      const size = () => {
        if (!input.rows) return;
        const count = input.value.split('\n').length;
        input.classList.toggle('nbh-lines', count > 1);
        input.rows = input === document.activeElement ? Math.min(6, count) : 1;
      };
      for (const kind of ['focus', 'blur', 'input']) input.addEventListener(kind, size);
      size();
    }
    input.classList.add('nbh-cell');
    const keep = event => {
      row[c] = read();
      env.changed(event);
    };
    input.addEventListener('input', keep);
    input.addEventListener('change', keep);
    return input;
  }
  function mark(row, line) {
    const said = wrong.get(row);
    line.cells.forEach((input, c) => {
      const words = said?.get(c) ?? said?.get(-1);
      input.toggleAttribute('aria-invalid', false);
      if (words) input.setAttribute('aria-invalid', 'true');
      input.title = words ?? '';
      if (words) input.setAttribute('aria-describedby', faults.id);
      else input.removeAttribute('aria-describedby');
    });
  }
  function insert(at, row = [...field.blank]) {
    rows.splice(at, 0, row);
    paint();
    env.changed();
  }
  function removeRow(row) {
    const at = rows.indexOf(row);
    const inside = shown.get(row)?.contains(document.activeElement);
    rows.splice(at, 1);
    wrong.delete(row);
    if (inside) view.focus({ preventScroll: true });
    paint();
    if (rows.length) shown.get(rows[Math.min(at, rows.length - 1)])?.drop.focus();
    else add.focus();
    env.changed();
  }
  function go(r, c) {
    if (!(r in rows) || !(c in columns)) return false;
    const top = r * LINE;
    const height = view.clientHeight - head.offsetHeight - LINE;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top > view.scrollTop + height) view.scrollTop = top - height;
    paint();
    const input = shown.get(rows[r])?.cells[c];
    input?.focus();
    if (input?.matches('input[type=text], textarea')) input.select();
    return true;
  }
  const at = target => {
    const line = target.closest('tr');
    const r = Number(line?.dataset.row ?? Number.NaN);
    return [r, line?.cells ? [...line.cells].indexOf(target) : -1];
  };
  view.addEventListener('scroll', () => requestAnimationFrame(paint));
  view.addEventListener('keydown', event => {
    const { key, target } = event;
    const [r, c] = at(target);
    if (c < 0 || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typed = target.matches('input[type=text], textarea');
    const caret = typed && target.selectionStart === target.selectionEnd ? target.selectionStart : -1;
    const start =
      typed && (caret === 0 || (target.selectionStart === 0 && target.selectionEnd === target.value.length));
    const end =
      typed &&
      (caret === target.value.length ||
        (target.selectionStart === 0 && target.selectionEnd === target.value.length));
    const many = typed && target.value.includes('\n');
    let done = false;
    if (key === 'Enter' && typed && !(event.shiftKey && target.rows)) {
      if (!event.shiftKey && r === rows.length - 1 && !add.disabled) insert(rows.length);
      done = go(r + (event.shiftKey ? -1 : 1), c) || true;
    } else if (typed || target.type === 'checkbox') {
      if (key === 'ArrowUp' && (!many || start)) done = go(r - 1, c);
      else if (key === 'ArrowDown' && (!many || end)) done = go(r + 1, c);
      else if (key === 'ArrowLeft' && (start || !typed)) done = go(r, c - 1);
      else if (key === 'ArrowRight' && (end || !typed)) done = go(r, c + 1);
    }
    if (done) event.preventDefault();
  });
  view.addEventListener('paste', event => {
    const [r, c] = at(event.target);
    const copied = event.clipboardData?.getData('text/plain') ?? '';
    const whole = copied.replace(/\r\n?/g, '\n').replace(/\n$/, '');
    if (c < 0 || !(whole.includes('\t') || (whole.includes('\n') && columns[c].kind !== 'text'))) return;
    event.preventDefault();
    whole.split('\n').forEach((line, i) => {
      if (r + i >= rows.length) {
        if (field.longest !== null && rows.length >= field.longest) return;
        rows.push([...field.blank]);
      }
      line.split('\t').forEach((value, j) => {
        if (c + j in columns) rows[r + i][c + j] = pasted(columns[c + j], value, rows[r + i][c + j]);
      });
    });
    for (const line of shown.values()) line.remove();
    shown.clear();
    paint();
    go(r, c);
    env.changed();
  });
  new ResizeObserver(paint).observe(view);
  faults.id = fresh();
  paint();
  return {
    el: box.el,
    read: () => ({ on: box.isOn(), rows: rows.map(row => [...row]) }),
    tell(said) {
      wrong.clear();
      const rest = [];
      for (const [place, words] of said) {
        const r = /^\d+(\.|$)/.test(place) ? Number.parseInt(place, 10) : Number.NaN;
        if (!(r in rows)) {
          rest.push(place ? `${place}: ${words}` : words);
          continue;
        }
        const name = place.replace(/^\d+\.?/, '');
        const c = columns.findIndex(column => name === column.name || name.startsWith(`${column.name}.`));
        if (!wrong.has(rows[r])) wrong.set(rows[r], new Map());
        wrong.get(rows[r]).set(c, words);
      }
      box.error.say(rest.join('; '));
      listFaults();
      for (const [row, line] of shown) mark(row, line);
      const first = rows.findIndex(row => wrong.has(row));
      if (first >= 0) {
        view.scrollTop = Math.max(0, (first - 1) * LINE);
        paint();
      }
    },
    focus: () => (rows.length ? go(0, 0) : add.focus()),
    rename: box.rename,
    children: () => []
  };

  function listFaults() {
    const found = [];
    rows.forEach((row, r) => {
      for (const [c, words] of wrong.get(row) ?? []) found.push([r, c, words]);
    });
    const lead = found.slice(0, 8).map(([r, c, words]) => {
      const where = c < 0 ? `Row ${r + 1}` : `Row ${r + 1}, ${columns[c].label}`;
      const link = h(
        'button',
        { type: 'button', class: 'nbh-link', onclick: () => go(r, Math.max(0, c)) },
        where
      );
      return h('div', {}, h('span', { 'aria-hidden': 'true' }, '\u26a0 '), link, ` ${words}`);
    });
    if (found.length > lead.length) lead.push(h('div', {}, `and ${found.length - lead.length} more`));
    faults.replaceChildren(...lead);
    faults.hidden = !found.length;
    if (found.length) faults.setAttribute('role', 'alert');
    else faults.removeAttribute('role');
  }
}

/** A cell's draft from a piece of text that was pasted. */
function pasted(column, value, before) {
  if (column.kind === 'checkbox') {
    if (/^(true|yes|y|1|x)$/i.test(value.trim())) return true;
    return /^(false|no|n|0|)$/i.test(value.trim()) ? false : before;
  }
  if (column.kind === 'choice') {
    const found = column.options.indexOf(value.trim());
    return found < 0 ? before : found;
  }
  return value;
}
