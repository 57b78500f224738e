'use strict';
// Walks through the steps of a report. Everything that comes from the graph is set as text, never as HTML.
(() => {
  const story = JSON.parse(document.getElementById('story').textContent);
  const { steps, texts } = story;
  const last = steps.length - 1;
  const find = id => document.getElementById(id);
  const bar = find('bar');
  const slider = find('slider');
  const where = find('where');
  const play = find('play');
  const rows = [...document.querySelectorAll('#timeline tr[data-step]')];
  const PACE = 900; // milliseconds for which a step is shown while playing
  let at = last;
  let timer = 0;

  /** An element with children, which are elements or texts. */
  const make = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== '') made.setAttribute(name, value);
    }
    made.append(...children.filter(child => child !== null));
    return made;
  };
  const quiet = text => (text ? make('p', { class: 'quiet' }, text) : null);

  /** The state after a step, and what it was before that step. */
  const stateAt = step => {
    const now = new Map();
    let before = now;
    for (let n = 0; n <= step; n++) {
      if (n === step) before = new Map(now);
      for (const [key, value] of Object.entries(steps[n].set ?? {})) {
        if (value === null) now.delete(key);
        else now.set(key, value);
      }
    }
    return { now, before };
  };

  const definitions = pairs => {
    const list = make('dl', { class: 'values' });
    for (const [name, text] of pairs) {
      list.append(make('dt', {}, name), make('dd', { class: 'value' }, text));
    }
    return list;
  };

  const ran = ([node, wrote]) =>
    make(
      'div',
      { class: 'card', 'data-look': 'done' },
      make('h3', {}, `${node} ran`),
      wrote.length ? definitions(wrote.map(([key, number]) => [key, texts[number]])) : quiet('wrote nothing')
    );

  const HEADS = { answered: 'was answered', open: 'waits for an answer', closed: 'asked' };
  const said = ([node, fate, question, before, answer, who, note]) => {
    const pairs = [['asked', texts[question]]];
    if (before !== null) pairs.push(['before', texts[before]]);
    if (answer !== null) pairs.push(['answer', texts[answer]]);
    if (note) pairs.push(['note', note]);
    const look = fate === 'open' ? 'waiting' : 'done';
    return make(
      'div',
      { class: 'card', 'data-look': look },
      make('h3', {}, `${node} ${HEADS[fate]}`),
      definitions(pairs),
      quiet(who)
    );
  };

  const failed = ([node, number]) =>
    make(
      'div',
      { class: 'card', 'data-look': 'failed' },
      make('h3', {}, `${node} failed`),
      make('p', { class: 'value' }, texts[number])
    );

  const showStep = step => {
    find('step').replaceChildren(
      make('h2', {}, step.name),
      quiet(step.facts) ?? '',
      ...(step.ran ?? []).map(ran),
      ...(step.said ?? []).map(said),
      ...(step.errors ?? []).map(failed),
      step.due ? make('p', {}, `Next: ${step.due.join(', ')}`) : '',
      step.leaving ? make('p', {}, `Other branches leave here: ${step.leaving.join(', ')}`) : ''
    );
  };

  /** What two texts have in common at their ends, by whole characters. */
  const common = (old, fresh) => {
    const most = Math.min(old.length, fresh.length);
    let head = 0;
    while (head < most && old[head] === fresh[head]) head++;
    let tail = 0;
    while (tail < most - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++;
    return [head, tail];
  };

  const valueBox = (...parts) => make('td', {}, make('div', { class: 'value' }, ...parts));

  const valueCell = (old, fresh) => {
    if (old === undefined) return valueBox(make('ins', {}, make('b', {}, texts[fresh[0]])));
    const [a, b] = [[...texts[old[0]]], [...texts[fresh[0]]]];
    const [head, tail] = common(a, b);
    // Texts by characters, so that no half of one is marked.
    const [was, is] = [a, b].map(part => [
      part.slice(0, head).join(''),
      part.slice(head, part.length - tail).join(''),
      part.slice(part.length - tail).join('')
    ]);
    const part = (tag, [start, middle, end]) =>
      make(tag, {}, start, middle ? make('b', {}, middle) : null, end);
    return valueBox(part('ins', is), part('del', was));
  };

  const showState = at => {
    const { now, before } = stateAt(at);
    const set = steps[at].set ?? {};
    const table = make('table', {});
    for (const [key, label] of story.keys) {
      const value = now.get(key);
      const changed = at > 0 && Object.hasOwn(set, key);
      if (value === undefined) {
        if (!changed || !before.has(key)) continue;
        const gone = make('del', {}, texts[before.get(key)[0]]);
        table.append(make('tr', { class: 'changed' }, make('th', {}, label), valueBox(gone)));
        continue;
      }
      const head = make('th', { scope: 'row' }, label, make('small', {}, value[1]));
      const cell = changed ? valueCell(before.get(key), value) : valueBox(texts[value[0]]);
      table.append(make('tr', { class: changed ? 'changed' : '' }, head, cell));
    }
    find('state').replaceChildren(
      make('h2', {}, at === last ? 'State now' : 'State after this step'),
      table.rows.length ? table : make('p', { class: 'quiet' }, 'empty')
    );
  };

  /** Scroll the stage of a large picture so that a node is in its middle. */
  const reveal = node => {
    const stage = find('stage');
    const [inner, outer] = [node.getBoundingClientRect(), stage.getBoundingClientRect()];
    stage.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
    stage.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
  };

  const showPicture = at => {
    const picture = find('picture');
    if (picture === null) return;
    const looks = Object.fromEntries(Object.keys(story.nodes).map(id => [id, 'idle']));
    const taken = new Set();
    for (const step of steps.slice(0, at + 1)) {
      Object.assign(looks, step.look ?? {});
      for (const id of step.taken ?? []) taken.add(id);
    }
    for (const [id, look] of Object.entries(looks)) {
      const node = find(id);
      if (node === null || node.dataset.look === look) continue;
      node.dataset.look = look;
      node.querySelector('title').textContent = `${story.nodes[id]}: ${story.words[look]}`;
      node.querySelector('.badge path')?.setAttribute('d', story.signs[look] ?? '');
    }
    for (const edge of picture.querySelectorAll('.edge')) edge.dataset.taken = String(taken.has(edge.id));
    const lively = Object.entries(looks).filter(([, look]) => !['idle', 'done'].includes(look));
    const words = lively.map(([id, look]) => `${story.nodes[id]} ${story.words[look]}`).join(', ');
    if (lively.length > 0) reveal(find(lively[0][0]));
    picture.setAttribute('aria-label', `The graph at ${steps[at].name}: ${words}`);
  };

  const show = wanted => {
    rows[at]?.removeAttribute('aria-current');
    at = Math.min(Math.max(wanted, 0), last);
    rows[at]?.setAttribute('aria-current', 'step');
    const step = steps[at];
    slider.value = String(at);
    slider.setAttribute('aria-valuetext', step.name);
    where.textContent = `${at + 1} of ${steps.length}`;
    for (const id of ['first', 'back']) find(id).disabled = at === 0;
    for (const id of ['forth', 'last']) find(id).disabled = at === last;
    showPicture(at);
    showStep(step);
    showState(at);
  };

  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = '\u25B6\uFE0E Play';
    play.setAttribute('aria-label', 'Play');
  };
  const toggle = () => {
    if (timer) {
      stop();
      return;
    }
    if (at === last) show(0);
    play.textContent = '\u23F8\uFE0E Pause';
    play.setAttribute('aria-label', 'Pause');
    timer = setInterval(() => {
      show(at + 1);
      if (at === last) stop();
    }, PACE);
  };
  const go = wanted => {
    stop();
    show(wanted);
  };

  const MOVES = { first: () => 0, back: () => at - 1, forth: () => at + 1, last: () => last };
  for (const [id, move] of Object.entries(MOVES)) find(id).addEventListener('click', () => go(move()));
  const KEYS = { ArrowLeft: 'back', ArrowRight: 'forth', Home: 'first', End: 'last' };
  play.addEventListener('click', toggle);
  slider.max = String(last);
  slider.addEventListener('input', () => go(Number(slider.value)));
  for (const [place, row] of rows.entries()) row.addEventListener('click', () => go(place));
  document.addEventListener('keydown', event => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target === slider && event.key !== ' ') return; // it moves by itself
    if (event.key === ' ' && event.target instanceof HTMLButtonElement) return;
    if (event.key === ' ') toggle();
    else if (KEYS[event.key]) go(MOVES[KEYS[event.key]]());
    else return;
    event.preventDefault();
  });

  document.body.classList.add('scripted');
  bar.hidden = steps.length < 2;
  show(last);
})();
