// Lists: elements of any kind that can be added, removed and moved.

function list(field, draft, env) {
  const label = field.label || env.bare || 'element';
  const single = !['object', 'list', 'table', 'union'].includes(field.item.kind);
  const rows = [];
  const items = h('ol', { class: 'nbh-items' });
  const count = h('span', { class: 'nbh-help', role: 'status' });
  const add = button(`+ Add ${field.item.label}`.trim(), `add to ${label}`, () =>
    insert(rows.length).part.focus()
  );
  const body = h('div', {}, items, h('div', { class: 'nbh-beside' }, add, count));
  const box = frame(field, env, draft?.on !== false, body);

  const named = i => `${field.item.label || label} ${i + 1}`;
  const renumber = () => {
    rows.forEach((row, i) => {
      row.part.rename(named(i));
      for (const [press, words] of [
        [row.up, 'move up'],
        [row.down, 'move down'],
        [row.remove, 'remove']
      ]) {
        press.setAttribute('aria-label', `${words}: ${named(i)}`);
        press.title = words;
      }
      row.up.disabled = i === 0;
      row.down.disabled = i === rows.length - 1;
    });
    count.textContent = rows.length ? '' : 'none yet';
    add.disabled = field.longest !== null && rows.length >= field.longest;
  };
  const move = (row, step) => {
    const from = rows.indexOf(row);
    const to = from + step;
    if (to < 0 || to >= rows.length) return;
    const held = document.activeElement;
    rows.splice(from, 1);
    rows.splice(to, 0, row);
    items.insertBefore(row.el, items.children[to + (step > 0 ? 1 : 0)] ?? null);
    renumber();
    // The button that was pressed may be at its end now.
    (held?.disabled ? (step > 0 ? row.up : row.down) : held)?.focus();
    env.changed();
  };
  const drop = row => {
    const at = rows.indexOf(row);
    rows.splice(at, 1);
    row.el.remove();
    renumber();
    (rows[Math.min(at, rows.length - 1)]?.remove ?? add).focus();
    env.changed();
  };
  function insert(at, value = field.blank, quiet = false) {
    const part = make(field.item, value, { ...env, bare: named(at) });
    const row = { part };
    row.up = button('\u2191', '', () => move(row, -1), 'nbh-quiet');
    row.down = button('\u2193', '', () => move(row, 1), 'nbh-quiet');
    row.remove = button('\u2715', '', () => drop(row), 'nbh-quiet');
    const tools = h('span', { class: 'nbh-tools' }, row.up, row.down, row.remove);
    row.el = h('li', { class: single ? 'nbh-item nbh-single' : 'nbh-item' }, part.el, tools);
    row.el.addEventListener('keydown', event => {
      if (
        event.altKey &&
        (event.key === 'ArrowUp' || event.key === 'ArrowDown') &&
        event.target.closest('li') === row.el
      ) {
        event.preventDefault();
        move(row, event.key === 'ArrowUp' ? -1 : 1);
      }
      const line = single && event.target.matches('input[type=text]');
      if (event.key === 'Enter' && line && !event.ctrlKey && !event.metaKey && !event.isComposing) {
        event.preventDefault();
        if (!add.disabled) insert(rows.indexOf(row) + 1).part.focus();
      }
    });
    items.insertBefore(row.el, items.children[at] ?? null);
    rows.splice(at, 0, row);
    if (!quiet) {
      renumber();
      env.changed();
    }
    return row;
  }
  for (const value of Array.isArray(draft?.items) ? draft.items : []) insert(rows.length, value, true);
  renumber();
  return {
    el: box.el,
    read: sent => ({ on: box.isOn(), items: rows.map(row => row.part.read(sent)) }),
    tell(said) {
      const known = ([place]) => /^\d+(\.|$)/.test(place) && Number.parseInt(place, 10) < rows.length;
      box.error.say(
        said
          .filter(one => !known(one))
          .map(([place, words]) => (place ? `${place}: ${words}` : words))
          .join('; ')
      );
      for (const [i, row] of rows.entries()) row.part.tell(below(said.filter(known), String(i)));
    },
    focus: () => (rows[0] ? rows[0].part.focus() : add.focus()),
    rename: box.rename,
    children: () => rows.map(row => row.part)
  };
}
