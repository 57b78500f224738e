"""How the inspector and the differences look. Constant, as the style of forms: nothing of a value may get in here.

The tables of an output have JupyterLab's own looks, which are stronger than a single class: hence the doubled ones.
"""

from __future__ import annotations

from typing import Final

from nbhitl.notebook.questions.question_style import QUESTION_STYLE

LOOK_STYLE: Final = (
    QUESTION_STYLE.replace(".nbh-form", ".nbh-look.nbh-look")
    + """<style>
.nbh-look { color: var(--jp-ui-font-color1, #222); font-size: var(--jp-ui-font-size1, 13px); line-height: 1.45;
  max-width: 1100px; margin: 0; }
.nbh-look .nbh-unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.nbh-look .nbh-heading { font-weight: 600; margin: 0 0 6px; overflow-wrap: anywhere; }
.nbh-look.nbh-look table { border-collapse: collapse; border: 0; margin: 0; font-size: inherit; table-layout: auto; }
.nbh-look.nbh-look tbody tr:nth-child(n), .nbh-look.nbh-look tbody tr:nth-child(n):hover { background: none; }
.nbh-look.nbh-look :is(.nbh-state, .nbh-changes, .nbh-parts) > * > tr > :is(th, td) { text-align: left;
  vertical-align: top; padding: 4px 12px 4px 0; max-width: 560px; white-space: normal; overflow-wrap: anywhere;
  border: 0; background: none; }
.nbh-look.nbh-look :is(.nbh-state, .nbh-changes) > * > tr > :is(th, td) {
  border-top: 1px solid var(--jp-border-color2, #ddd); }
.nbh-look.nbh-look :is(.nbh-state, .nbh-changes) > thead > tr > :is(th, td) { border-top: 0; font-weight: normal;
  color: var(--jp-ui-font-color2, #616161); }
.nbh-look.nbh-look .nbh-state > tbody > tr > th { font-weight: 600; }
.nbh-look.nbh-look .nbh-parts > tbody > tr > th { font-weight: normal; color: var(--jp-ui-font-color2, #616161);
  white-space: nowrap; }
.nbh-look.nbh-look :is(.nbh-state, .nbh-changes) > tbody > tr > .nbh-sign { display: table-cell; width: 2ch;
  text-align: center; padding: 4px 6px 4px 4px; font-weight: 600; font-family: var(--jp-code-font-family, monospace); }
.nbh-look.nbh-look .nbh-touched > .nbh-sign { box-shadow: inset 3px 0 0 var(--jp-brand-color1, #1976d2); }
.nbh-look.nbh-look .nbh-quiet { color: var(--jp-ui-font-color2, #616161); white-space: nowrap; }
.nbh-look.nbh-look .nbh-changes > tbody > tr > .nbh-quiet { padding-left: 10px; white-space: normal; }
.nbh-look.nbh-look .nbh-value { font-family: var(--jp-code-font-family, monospace);
  font-size: var(--jp-code-font-size, 13px); }
.nbh-look.nbh-look .nbh-gone.nbh-gone { background: color-mix(in srgb, var(--jp-error-color1, #c62828) 12%,
  transparent); }
.nbh-look.nbh-look .nbh-come.nbh-come { background: color-mix(in srgb, var(--jp-success-color1, #2e7d32) 14%,
  transparent); }
.nbh-look.nbh-look .nbh-changes.nbh-changes > * > tr > :is(.nbh-gone, .nbh-come) { padding: 4px 8px;
  color: inherit; font-weight: normal; }
.nbh-look.nbh-look .nbh-diff > div { margin: 0; color: inherit; font-weight: normal; }
.nbh-look.nbh-look .nbh-diff.nbh-diff > div > .nbh-sign { display: inline-block; padding: 0; }
.nbh-look.nbh-look .nbh-diff > .nbh-note { color: var(--jp-ui-font-color2, #616161); }
.nbh-look details { margin: 0; }
.nbh-look summary { cursor: pointer; overflow-wrap: anywhere; }
.nbh-look summary:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }
.nbh-look details > :not(summary) { margin: 4px 0 6px 16px; }
.nbh-look.nbh-look pre { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 340px; overflow: auto;
  max-width: 80ch; background: var(--jp-layout-color2, #eee); color: inherit; padding: 6px 10px; font-size: inherit;
  font-family: inherit; line-height: 1.45; }
.nbh-look img { display: block; max-width: min(100%, 420px); height: auto;
  border: 1px solid var(--jp-border-color2, #ccc); }
.nbh-look .nbh-error { font-weight: 600;
  color: color-mix(in srgb, var(--jp-error-color1, #c62828) 80%, var(--jp-ui-font-color1, #000)); }
.nbh-look .nbh-note { color: var(--jp-ui-font-color2, #616161); }
</style>"""
)
