// Parts with one flat value each.

const DIGITS = ['integer', 'number', 'decimal'];

/** One input with its label, help and error. */
function leaf(field, env, input, read, beside = []) {
  input.id = fresh();
  const error = fault(input);
  const help = field.help ? h('div', { class: 'nbh-help', id: fresh() }, field.help) : null;
  if (help) input.setAttribute('aria-describedby', help.id);
  if (field.required) input.setAttribute('aria-required', 'true');
  const label = h('label', { class: 'nbh-label', for: input.id }, starred(field));
  label.hidden = !field.label || env.bare;
  if (env.bare) input.setAttribute('aria-label', env.bare);
  input.addEventListener('input', env.changed);
  input.addEventListener('change', env.changed);
  const row = beside.length ? h('div', { class: 'nbh-beside' }, input, ...beside) : input;
  return {
    el: h('div', { class: 'nbh-part' }, label, row, help, error.el),
    read,
    tell: said => error.say(said.map(([place, text]) => (place ? `${place}: ${text}` : text)).join('; ')),
    focus: () => input.focus(),
    rename: name => env.bare && input.setAttribute('aria-label', name),
    children: () => []
  };
}

function text(field, draft, env) {
  const typed = typeof draft === 'string' ? draft : '';
  const long = field.kind === 'json' || field.multiline || typed.includes('\n');
  const input = long
    ? h('textarea', { class: 'nbh-input', rows: Math.min(12, Math.max(3, typed.split('\n').length + 1)) })
    : h('input', { class: 'nbh-input', type: 'text' });
  if (DIGITS.includes(field.kind)) {
    input.classList.add('nbh-digits');
    input.inputMode = field.kind === 'integer' ? 'numeric' : 'decimal';
  }
  if (field.kind === 'json') input.spellcheck = false;
  input.value = typed;
  return leaf(field, env, input, () => input.value);
}

/** A date or time: what was there is kept to the last digit until somebody changes it. */
function moment(field, draft, env) {
  const input = picker(field, draft);
  const zone = field.aware ? `In your time zone (${Intl.DateTimeFormat().resolvedOptions().timeZone}).` : '';
  return leaf({ ...field, help: `${field.help} ${zone}`.trim() }, env, input, () => input.moment());
}

function picker(field, draft) {
  const kind = { date: 'date', time: 'time', datetime: 'datetime-local' }[field.kind];
  const input = h('input', { class: 'nbh-input nbh-moment', type: kind });
  let kept = typeof draft === 'string' ? draft : '';
  let shown = kept;
  if (field.kind === 'datetime' && /(Z|[+-]\d\d:?\d\d)$/.test(kept)) {
    const at = new Date(kept);
    shown = Number.isNaN(at.valueOf())
      ? ''
      : new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
    shown = shown.replace(/\.000$/, '');
  }
  if (field.kind !== 'date') {
    shown = shown.replace(/(\.\d{3})\d*$/, '$1').replace(/:00(\.0+)?$/, ':00');
    if (/:\d\d:(?!00$)\d\d/.test(shown)) input.step = /\./.test(shown) ? '0.001' : '1';
  }
  input.value = shown;
  // A picker is empty while a date is half typed, and where it cannot show what was there.
  const edit = () => {
    kept = input.value;
    if (kept && field.aware) {
      const minutes = -new Date(kept).getTimezoneOffset();
      const two = n => String(Math.floor(n)).padStart(2, '0');
      kept += `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
    }
    if (input.validity.badInput) kept = '(not complete)';
  };
  input.addEventListener('input', edit);
  input.moment = () => kept;
  return input;
}

function checkbox(field, draft, env) {
  const input = h('input', { type: 'checkbox', class: 'nbh-box' });
  input.checked = draft === true;
  const part = leaf(field, env, input, () => input.checked);
  const label = part.el.firstChild;
  label.replaceChildren(input, field.label);
  label.classList.add('nbh-tick');
  label.hidden = false;
  if (env.bare) label.replaceChildren(input);
  return part;
}

function choice(field, draft, env) {
  if (field.options.length > 5) return select(field, draft, env);
  return ticks(
    field,
    env,
    'radio',
    i => i === draft,
    boxes => {
      const at = boxes.findIndex(box => box.checked);
      return at < 0 ? null : at;
    }
  );
}

function select(field, draft, env) {
  const input = dropdown(field.options, draft, field.required);
  return leaf(field, env, input, () => (input.value === '' ? null : Number(input.value)));
}

function dropdown(options, draft, required) {
  const blank = h('option', { value: '' }, required ? '' : '(no answer)');
  const input = h(
    'select',
    { class: 'nbh-input nbh-select' },
    blank,
    ...options.map((o, i) => h('option', { value: String(i) }, o))
  );
  input.value = Number.isInteger(draft) && draft >= 0 && draft < options.length ? String(draft) : '';
  return input;
}

function choices(field, draft, env) {
  const ticked = Array.isArray(draft) ? draft : [];
  return ticks(
    field,
    env,
    'checkbox',
    i => ticked.includes(i),
    boxes => boxes.map((box, i) => (box.checked ? i : -1)).filter(i => i >= 0)
  );
}

/** Several boxes under one label. */
function ticks(field, env, type, on, read) {
  const group = fresh();
  const boxes = field.options.map((_, i) =>
    h('input', { type, name: group, class: 'nbh-box', checked: on(i) })
  );
  const rows = boxes.map((box, i) => h('label', { class: 'nbh-tick' }, box, field.options[i]));
  const label = h('div', { class: 'nbh-label', id: fresh() }, starred(field));
  label.hidden = !field.label || env.bare;
  const el = h('div', { class: 'nbh-group', role: type === 'radio' ? 'radiogroup' : 'group' }, ...rows);
  if (env.bare) el.setAttribute('aria-label', env.bare);
  else el.setAttribute('aria-labelledby', label.id);
  if (type === 'radio' && !field.required) {
    const clear = button(
      'clear',
      `no answer for ${env.bare || field.label}`,
      () => {
        for (const box of boxes) box.checked = false;
        boxes[0].focus();
        env.changed();
      },
      'nbh-link'
    );
    rows.at(-1)?.after(clear);
  }
  const error = fault(el);
  const help = field.help ? h('div', { class: 'nbh-help', id: fresh() }, field.help) : null;
  if (help) el.setAttribute('aria-describedby', help.id);
  el.addEventListener('change', env.changed);
  return {
    el: h('div', { class: 'nbh-part' }, label, el, help, error.el),
    read: () => read(boxes),
    tell: said => error.say(said.map(([, words]) => words).join('; ')),
    focus: () => (boxes.find(box => box.checked) ?? boxes[0])?.focus(),
    rename: name => env.bare && el.setAttribute('aria-label', name),
    children: () => []
  };
}
