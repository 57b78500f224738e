// The list of a timeline's steps: a plain list box, so that it works with the keyboard. Tells the kernel what is chosen.

const MOVES = new Set(['ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown']);

function render({ model, el }) {
  const list = document.createElement('select');
  list.className = 'nbh-steplist';
  list.setAttribute('aria-label', 'Steps: choose one to look at it');
  // The notebook would take these, to go from cell to cell; it listens at the document, and so hears them later.
  const keys = event => {
    if (event.target === list && MOVES.has(event.key)) event.stopPropagation();
  };

  const choose = () => {
    list.selectedIndex = model.get('chosen');
  };
  const paint = () => {
    const lines = model.get('lines');
    const made = lines.map(line => {
      const option = document.createElement('option');
      option.textContent = line;
      return option;
    });
    list.replaceChildren(...made);
    list.size = Math.max(2, Math.min(lines.length, model.get('rows')));
    choose();
  };
  list.addEventListener('change', () => model.send({ place: list.selectedIndex }));
  window.addEventListener('keydown', keys, true);
  model.on('change:lines', paint);
  model.on('change:chosen', choose);
  paint();
  el.append(list);
  return () => {
    window.removeEventListener('keydown', keys, true);
    model.off('change:lines', paint);
    model.off('change:chosen', choose);
  };
}

export default { render };
