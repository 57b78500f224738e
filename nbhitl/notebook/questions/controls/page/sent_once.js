// Secrets and files: what leaves the page once, with the submit message, and is kept nowhere else.

const PIECE = 2_000_000; // bytes of a file in one buffer

function secret(field, _draft, env) {
  const input = h('input', {
    class: 'nbh-input',
    type: 'password',
    autocomplete: 'new-password',
    spellcheck: false
  });
  const note = h(
    'div',
    { class: 'nbh-help', hidden: true },
    'Type it again: a secret is not kept once it was sent.'
  );
  let sentOnce = false;
  const part = leaf(field, env, input, sent => {
    if (!sent) return null;
    const typed = input.value;
    input.value = '';
    sentOnce ||= typed !== '';
    return typed;
  });
  input.addEventListener('input', () => {
    note.hidden = true;
  });
  part.el.insertBefore(note, part.el.lastChild);
  part.refused = () => {
    note.hidden = !sentOnce;
    sentOnce = false;
  };
  return part;
}

function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

const exact = bytes => (bytes < 100_000_000 ? `${bytes.toLocaleString('en')} bytes` : size(bytes));

function file(field, draft, env) {
  let chosen =
    draft && typeof draft === 'object'
      ? { name: `${draft.name}`, type: `${draft.type}`, size: draft.size }
      : null;
  let content = null;
  const input = h('input', {
    type: 'file',
    class: 'nbh-file',
    accept: field.accepts.length ? field.accepts.join(',') : null
  });
  const name = h('span', { class: 'nbh-chosen', role: 'status' });
  const remove = button('Remove', `remove the file of ${env.bare || field.label || 'this field'}`, () => {
    [chosen, content, input.value] = [null, null, ''];
    part.tell([]);
    show();
    input.focus();
    env.changed();
  });
  const show = () => {
    remove.hidden = !chosen;
    const missing =
      chosen && !content ? ' \u2013 choose it again: its content is not kept in the notebook' : '';
    name.textContent = chosen ? `${chosen.name} (${size(chosen.size)})${missing}` : '';
    input.hidden = Boolean(chosen && content);
  };
  const part = leaf(
    field,
    env,
    input,
    sent => {
      if (!chosen) return null;
      const said = { ...chosen };
      if (sent && content) {
        const first = sent.length;
        for (let at = 0; at < content.byteLength; at += PIECE) sent.push(content.slice(at, at + PIECE));
        said.buffers = [first, sent.length];
      }
      return said;
    },
    [name, remove]
  );
  input.addEventListener('change', () => {
    const found = input.files[0];
    if (!found) return;
    if (found.size > field.largest) {
      input.value = '';
      part.tell([
        ['', `"${found.name}" is too large: ${exact(found.size)}, at most ${exact(field.largest)} are taken.`]
      ]);
      return;
    }
    part.tell([]);
    const reading = found.arrayBuffer().then(
      bytes => {
        [chosen, content] = [{ name: found.name, type: found.type, size: bytes.byteLength }, bytes];
        show();
        if (document.activeElement === document.body) remove.focus();
        env.changed();
      },
      () => part.tell([['', `"${found.name}" cannot be read.`]])
    );
    env.wait(reading);
  });
  show();
  return part;
}
