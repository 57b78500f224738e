// A field of many values, in the page: objects, lists, tables, unions, files and secrets, and what is inside them.
//
// Built from a description (`described` in compound.py) and a draft (the shapes are in draft.py). Words of a question
// reach the page as text nodes and attributes only. Every maker returns a part:
//   el          what is put on the page
//   read(sent)  its draft; with `sent` (the submit message's buffers) also secrets and the content of files
//   tell(said)  shows problems, `[[place, message], ...]`; an empty list takes them away
//   focus()     puts the cursor into it
//   rename(s)   another name for those who cannot see where it stands
//   children()  its parts, where there are some
//
// The files of this folder are one module: `compound.py` puts them one after the other.

let made = 0;
const fresh = () => `nbh-${Date.now().toString(36)}-${made++}`;

function h(name, props = {}, ...children) {
  const el = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (key.startsWith('on')) el.addEventListener(key.slice(2), value);
    else if (typeof value === 'string') el.setAttribute(key, value);
    else el[key] = value;
  }
  el.append(...children.filter(child => child !== null));
  return el;
}

const button = (text, name, press, style = '') =>
  h(
    'button',
    { type: 'button', class: `nbh-button ${style}`, 'aria-label': name, title: name, onclick: press },
    text
  );

/** What is wrong, beside its place; `marks` are the elements that are wrong then. */
function fault(...marks) {
  const el = h('div', { class: 'nbh-error', id: fresh(), hidden: true });
  return {
    el,
    say(text) {
      el.hidden = !text;
      const words = text.slice(0, 1).toUpperCase() + text.slice(1);
      el.replaceChildren(...(text ? [h('span', { 'aria-hidden': 'true' }, '\u26a0 '), words] : []));
      if (text) el.setAttribute('role', 'alert');
      else el.removeAttribute('role');
      for (const mark of marks) {
        const said = (mark.getAttribute('aria-describedby') ?? '')
          .split(' ')
          .filter(id => id && id !== el.id);
        if (text) said.push(el.id);
        mark.toggleAttribute('aria-invalid', false);
        if (text) mark.setAttribute('aria-invalid', 'true');
        if (said.length) mark.setAttribute('aria-describedby', said.join(' '));
        else mark.removeAttribute('aria-describedby');
      }
    }
  };
}

const starred = field => field.label + (field.required && field.label ? ' *' : '');

/** Problems of the places that begin with this step, without it. */
function below(said, step) {
  const inside = said.filter(([place]) => place === step || place.startsWith(`${step}.`));
  return inside.map(([place, text]) => [place.slice(step.length + 1), text]);
}
