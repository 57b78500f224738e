// The button of a form: sends the values of all controls in one message, on a click or Ctrl+Enter, and looks after
// what concerns the form as a whole: where the cursor is, and which words belong to which control.

const PIECES = 4_000_000; // a server takes messages of 10 MB: larger files go ahead of the values
const KEEP = 'nbhFocus'; // set on a cell's output while the cursor waits for what comes next

function render({ model, el }) {
  const button = document.createElement('button');
  button.className = 'jupyter-widgets jupyter-button widget-button mod-primary nbh-submit';
  button.title = 'Ctrl+Enter';
  button.type = 'button';
  const form = () => el.closest('.nbh-form');
  const output = () => el.closest('.jp-Cell-outputArea, .jp-OutputArea, .output') ?? form()?.parentElement;
  let area = null;
  let busy = false;
  let heir = true; // until the form is submitted itself

  const paint = () => {
    busy = model.get('disabled');
    // Not `disabled`: the cursor would be lost to the page.
    button.setAttribute('aria-disabled', String(busy));
    button.textContent = model.get('description');
  };

  const submit = async () => {
    if (busy) return;
    busy = true;
    heir = false;
    button.setAttribute('aria-disabled', 'true');
    button.textContent = 'Answering ...';
    area = output();
    if (area && form().contains(document.activeElement)) area.dataset[KEEP] = 'yes';
    const values = [];
    const buffers = [];
    for (const [id, key, token] of model.get('controls')) {
      const inPage =
        token && [...form().querySelectorAll('[data-nbh-token]')].find(e => e.dataset.nbhToken === token);
      if (inPage?.nbhCollect) values.push(await inPage.nbhCollect(buffers));
      else {
        const control = await model.widget_manager.get_model(id);
        values.push(control.serialize({ [key]: control.get(key) })[key]);
      }
    }
    const batch = crypto.getRandomValues(new Uint32Array(2)).join('-');
    let waiting = [];
    let bytes = 0;
    for (const buffer of buffers) {
      if (waiting.length && bytes + buffer.byteLength > PIECES) {
        model.send({ batch, ahead: true }, undefined, waiting);
        [waiting, bytes] = [[], 0];
      }
      waiting.push(buffer);
      bytes += buffer.byteLength;
    }
    model.send({ batch, values }, undefined, waiting);
  };

  const keys = event => {
    if (!form()?.contains(event.target)) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      void submit();
    } else if (event.key !== 'Escape' && !event.ctrlKey && !event.metaKey) {
      // The notebook has commands on arrows and letters; in a form they are for its controls.
      event.target.setAttribute('data-lm-suppress-shortcuts', 'true');
      setTimeout(() => event.target.removeAttribute('data-lm-suppress-shortcuts'));
    }
  };

  /** Whether the cursor is in the form, or was and nobody has put it elsewhere. */
  const free = () => {
    const at = document.activeElement;
    return !at || at === document.body || at === output() || form()?.contains(at);
  };

  const attend = () =>
    requestAnimationFrame(() => {
      if (!form() || !free()) return;
      const wrong = form().querySelector('[aria-invalid="true"]') ?? form().querySelector('.nbh-wrong');
      const control = wrong?.matches(REACH) ? wrong : [...(wrong?.querySelectorAll(REACH) ?? [])].find(seen);
      if (control) control.focus();
      else if (wrong || form().querySelector('.nbh-error')) button.focus();
    });

  const settled = () => {
    if (model.get('state') !== 'answered' && model.get('state') !== 'closed') return;
    requestAnimationFrame(() => {
      const said = form()?.querySelector('.nbh-done, .nbh-closed');
      if (!said || !free() || !area?.dataset[KEEP]) return;
      said.tabIndex = -1;
      said.focus();
    });
  };

  /** A form that takes the place of an answered one takes its cursor too. */
  const inherit = (looks, before) => {
    const place = output();
    if (!place?.dataset[KEEP] || !heir) return;
    if (form().contains(document.activeElement)) {
      delete place.dataset[KEEP]; // somebody has put it here already, and knows best where
      return;
    }
    const reach = [...form().querySelectorAll(`.nbh-field :is(${REACH})`)].filter(seen);
    const ready = reach.length > 0 && reach.length === before && free();
    if (!ready && looks > 0) setTimeout(() => inherit(looks - 1, reach.length), 50); // fields come one after the other
    if (!ready) return;
    delete place.dataset[KEEP];
    reach[0].focus();
  };

  const wire = () => form() && connect(form());
  const watch = new MutationObserver(() => {
    clearTimeout(watch.soon);
    watch.soon = setTimeout(wire, 30);
  });
  paint();
  button.addEventListener('click', submit);
  window.addEventListener('keydown', keys, true);
  model.on('change:disabled', paint);
  model.on('change:description', paint);
  model.on('change:attention', attend);
  model.on('change:state', settled);
  el.appendChild(button);
  const begin = looks => {
    if (!form()) {
      if (looks > 0) setTimeout(() => begin(looks - 1), 50); // it is put on the page a moment later
      return;
    }
    watch.observe(form(), { childList: true, subtree: true, attributes: true, attributeFilter: ['class'] });
    wire();
    inherit(40, 0);
  };
  setTimeout(() => begin(100));
  return () => {
    window.removeEventListener('keydown', keys, true);
    clearTimeout(watch.soon);
    watch.disconnect();
    const place = area;
    if (!place?.dataset[KEEP]) return;
    setTimeout(() => {
      if (!place.dataset[KEEP] || document.activeElement !== document.body) return;
      place.tabIndex = -1;
      place.focus({ preventScroll: true }); // no other form came: stay at least in this cell's output
    }, 600);
  };
}

const REACH = 'input, select, textarea, button';
const seen = control => control.checkVisibility();
let made = 0;

/** Ties labels, help and errors of ipywidgets' own controls to them, as ours are from the start. */
function connect(form) {
  const asked = form.querySelector('.nbh-description') ?? form.querySelector('.nbh-title');
  if (asked && !asked.id) asked.id = `nbh-w${Date.now().toString(36)}-${made++}`;
  for (const field of form.querySelectorAll('.nbh-field')) {
    if (field.querySelector('.nbh-compound')) continue;
    const named = (selector, owner) => {
      const found = [...owner.querySelectorAll(selector)].find(
        e => e.textContent.trim() && e.checkVisibility()
      );
      if (found && !found.id) found.id = `nbh-w${Date.now().toString(36)}-${made++}`;
      return found?.id;
    };
    const label = named('.nbh-label', field) ?? named('.widget-label', field);
    const help = named('.nbh-help', field);
    const error = named('.nbh-error', field);
    const group = field.querySelector('.widget-radio-box, .widget-toggle-buttons');
    const boxes = [...field.querySelectorAll('input, select, textarea')];
    const ticks = !group && boxes.length > 1 && boxes.every(box => box.type === 'checkbox');
    if (group) group.setAttribute('role', group.matches('.widget-radio-box') ? 'radiogroup' : 'group');
    if (ticks) field.setAttribute('role', 'group');
    const marked = group ? [group] : ticks ? [field] : boxes;
    const wrong = field.classList.contains('nbh-wrong');
    for (const one of marked) {
      // A tick box has its words beside it; all others are named by the label above.
      if (label && one.type !== 'checkbox') put(one, 'aria-labelledby', label);
      put(one, 'aria-describedby', [help, error].filter(Boolean).join(' '));
      put(one, 'aria-invalid', wrong ? 'true' : '');
    }
    for (const slider of field.querySelectorAll('[role=slider], .noUi-handle'))
      if (label) put(slider, 'aria-labelledby', label);
  }
  // What has no name of its own is the answer to the question.
  const named = '[aria-label], [aria-labelledby], :has(> legend:not([hidden]))';
  for (const one of form.querySelectorAll(`.nbh-field :is(${REACH}, fieldset, [role])`)) {
    if (asked && !one.matches(named) && !one.labels?.length && !one.textContent)
      put(one, 'aria-labelledby', asked.id);
  }
}

function put(element, name, value) {
  if (!value) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export default { render };
