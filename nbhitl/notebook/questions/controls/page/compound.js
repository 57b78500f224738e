// The whole: one field of the form, its draft, and what the submit button asks of it.

const MAKERS = {
  object,
  list,
  table,
  union,
  file,
  secret,
  choice,
  choices,
  checkbox,
  date: moment,
  time: moment,
  datetime: moment
};

function make(field, draft, env) {
  return (MAKERS[field.kind] ?? text)(field, draft, env);
}

const each = (part, visit) => {
  visit(part);
  for (const child of part.children()) each(child, visit);
};

function render({ model, el }) {
  const pending = new Set();
  let root;
  let timer = 0;
  let mine = false;
  const mirror = () => {
    clearTimeout(timer);
    timer = 0;
    mine = true;
    try {
      model.set('draft', root.read());
      model.save_changes();
    } catch {
      // The form is closed already: there is no draft any more.
    } finally {
      mine = false;
    }
  };
  const env = {
    bare: '',
    changed(event) {
      clearTimeout(timer);
      timer = setTimeout(mirror, event?.type === 'change' ? 0 : 250); // at once when a control is left
    },
    wait(promise) {
      pending.add(promise);
      promise.finally(() => pending.delete(promise));
    }
  };
  const box = h('fieldset', { class: 'nbh-compound' });
  const lock = () => {
    box.disabled = model.get('disabled');
  };
  const tell = () => root.tell(model.get('problems'));
  const build = () => {
    root = make(model.get('field'), model.get('draft'), env);
    box.replaceChildren(root.el);
    tell();
  };
  const redraw = () => {
    if (!mine) build(); // typed in another view of this form
  };
  const refused = () => each(root, part => part.refused?.());
  model.on('change:draft', redraw);
  model.on('change:problems', tell);
  model.on('change:refusals', refused);
  model.on('change:disabled', lock);
  build();
  lock();
  el.classList.add('nbh-compound-host');
  el.dataset.nbhToken = model.get('token');
  /** What the submit message says of this field; its buffers go to `sent`. */
  el.nbhCollect = async sent => {
    await Promise.allSettled([...pending]);
    mirror();
    return root.read(sent);
  };
  el.appendChild(box);
  return () => timer && mirror();
}
export default { render };
