// Objects, unions, and the frame with a heading around what has parts.

/** A box with a heading around parts, which can be left out as a whole where that is an answer. */
function frame(field, env, on, body, { heading = starred(field) } = {}) {
  const legend = h('legend', { class: 'nbh-label' });
  const words = h('span', {}, env.bare || heading);
  const el = h('fieldset', { class: `nbh-frame nbh-${field.kind}` }, legend);
  const tick = h('input', { type: 'checkbox', class: 'nbh-box', checked: on });
  if (field.optional) legend.append(h('label', { class: 'nbh-tick' }, tick, words));
  else legend.append(words);
  legend.hidden = !field.optional && !words.textContent;
  const help = field.help ? h('div', { class: 'nbh-help', id: fresh() }, field.help) : null;
  if (help) el.setAttribute('aria-describedby', help.id);
  const error = fault(el);
  const show = () => {
    body.hidden = field.optional && !tick.checked;
  };
  tick.addEventListener('change', () => {
    show();
    env.changed();
  });
  if (field.optional && !words.textContent) words.textContent = 'Fill in';
  el.append(...[help, error.el, body].filter(Boolean));
  show();
  return {
    el,
    error,
    tick,
    isOn: () => !field.optional || tick.checked,
    turnOn() {
      tick.checked = true;
      show();
    },
    rename(name) {
      if (env.bare) words.textContent = name;
    }
  };
}

function object(field, draft, env) {
  const drafts = Array.isArray(draft?.members) ? draft.members : [];
  const parts = field.fields.map((member, i) => make(member, drafts[i], { ...env, bare: '' }));
  const body = h('div', { class: 'nbh-members' }, ...parts.map(part => part.el));
  const box = frame(field, env, draft?.on !== false, body);
  return {
    el: box.el,
    read: sent => ({ on: box.isOn(), members: parts.map(part => part.read(sent)) }),
    tell(said) {
      // A member's name may have dots itself: the longest one that fits is meant.
      const names = field.fields.map(member => member.name).sort((a, b) => b.length - a.length);
      const meant = place => names.find(name => name === place || place.startsWith(`${name}.`));
      const rest = said.filter(([place]) => !place || meant(place) === undefined);
      box.error.say(rest.map(([place, words]) => (place ? `${place}: ${words}` : words)).join('; '));
      for (const [i, { name }] of field.fields.entries()) {
        const mine = said.filter(([place]) => place && meant(place) === name);
        parts[i].tell(mine.map(([place, words]) => [place.slice(name.length + 1), words]));
      }
    },
    focus: () => (field.optional && !box.isOn() ? box.tick.focus() : parts[0]?.focus()),
    rename: box.rename,
    children: () => parts
  };
}

function union(field, draft, env) {
  const drafts = Array.isArray(draft?.values) ? [...draft.values] : field.variants.map(() => null);
  const parts = field.variants.map(() => null); // made when first chosen, and kept then with what was typed
  const place = h('div', { class: 'nbh-members' });
  let chosen = Number.isInteger(draft?.variant) && draft.variant in field.variants ? draft.variant : null;
  const show = () => {
    if (chosen !== null && !parts[chosen]) {
      const variant = { ...field.variants[chosen], required: true };
      // The choice above says what it is: a flat alternative needs no second label.
      parts[chosen] = make({ ...variant, label: '', optional: false }, drafts[chosen], {
        ...env,
        bare: variant.label || 'value'
      });
    }
    place.replaceChildren(...(chosen === null ? [] : [parts[chosen].el]));
    place.hidden = chosen === null;
  };
  const options = field.variants.map((variant, i) => variant.label || `Alternative ${i + 1}`);
  const picked = { ...field, kind: 'choice', options, help: field.help };
  const selector = choice(picked, chosen, {
    ...env,
    changed: () => {
      chosen = selector.read();
      show();
      env.changed();
    }
  });
  show();
  const error = fault(place);
  const el = h('div', { class: 'nbh-part nbh-union' }, selector.el, error.el, place);
  return {
    el,
    read: sent => ({
      variant: chosen,
      // What was typed for another alternative is a draft, and nobody's answer.
      values: field.variants.map(
        (_, i) => parts[i]?.read(i === chosen ? sent : undefined) ?? drafts[i] ?? null
      )
    }),
    tell(said) {
      const here = chosen === null ? said : [];
      selector.tell(here);
      error.say('');
      for (const [i, part] of parts.entries()) part?.tell(i === chosen ? said : []);
    },
    focus: () => selector.focus(),
    rename: selector.rename,
    children: () => parts.filter(Boolean)
  };
}
