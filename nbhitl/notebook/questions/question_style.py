"""How what is shown beside a question looks. Constant, as the style of forms; colours and sizes are JupyterLab's.

Of changes the sign at the start of the line and the marks on words say all; the tint only helps.
"""

from __future__ import annotations

from typing import Final

QUESTION_STYLE: Final = """<style>
.nbh-form .nbh-name { color: var(--jp-ui-font-color2, #616161); margin: 10px 0 3px; }
.nbh-form .nbh-name:first-child { margin-top: 0; }
.nbh-form .nbh-action > .nbh-name { color: var(--jp-ui-font-color1, #222); font-weight: 600;
  font-family: var(--jp-code-font-family, monospace); }
.nbh-form .nbh-action + .nbh-action { margin-top: 12px; padding-top: 10px;
  border-top: 1px solid var(--jp-border-color2, #ccc); }
.nbh-form .nbh-values:not(:first-child) { margin-top: 10px; }
.nbh-form .nbh-note { color: var(--jp-ui-font-color2, #616161); margin: 3px 0 0; }
.nbh-form .nbh-question + .nbh-question, .nbh-form .nbh-values + .nbh-question { margin-top: 10px; }
.nbh-form .nbh-roll { max-height: 340px; max-width: min(100%, 900px); width: fit-content; overflow: auto;
  border: 1px solid var(--jp-border-color2, #ccc); }
.nbh-form .nbh-roll:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }
.nbh-form .nbh-rows { border-collapse: separate; border-spacing: 0; margin: 0; border: 0; font-size: inherit;
  font-variant-numeric: tabular-nums; }
.nbh-form .nbh-rows :is(th, td) { padding: 3px 10px; text-align: left; vertical-align: top; max-width: 360px;
  white-space: pre-wrap; overflow-wrap: anywhere; min-width: 24px; background: none; }
.nbh-form .nbh-rows thead th { position: sticky; top: 0; font-weight: 600; white-space: pre;
  background: var(--jp-layout-color2, #eee); border-bottom: 1px solid var(--jp-border-color1, #bdbdbd); }
.nbh-form .nbh-rows tbody th { font-weight: normal; color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-rows tbody tr + tr :is(th, td) { border-top: 1px solid var(--jp-border-color2, #ddd); }
.nbh-form :is(.nbh-rows, .nbh-markdown) .nbh-right { text-align: right; }
.nbh-form .nbh-markdown .nbh-middle { text-align: center; }
.nbh-form .nbh-diff { border: 1px solid var(--jp-border-color2, #ccc); font-size: var(--jp-code-font-size, 13px);
  font-family: var(--jp-code-font-family, monospace); line-height: 1.5; }
.nbh-form .nbh-diff > div { padding: 0 10px 0 4px; white-space: pre-wrap; overflow-wrap: anywhere; min-height: 1.5em;
  min-width: 28ch; }
.nbh-form .nbh-diff > .nbh-note { font-family: var(--jp-ui-font-family, sans-serif); margin: 0; padding: 1px 10px; }
.nbh-form .nbh-sign { display: inline-block; width: 2ch; text-align: center; white-space: pre; user-select: none;
  font-weight: 600; }
.nbh-form .nbh-unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.nbh-form .nbh-gone { background: color-mix(in srgb, var(--jp-error-color1, #c62828) 12%, transparent); }
.nbh-form .nbh-come { background: color-mix(in srgb, var(--jp-success-color1, #2e7d32) 14%, transparent); }
.nbh-form .nbh-diff del { text-decoration: line-through; text-decoration-thickness: 1px; color: inherit;
  background: color-mix(in srgb, var(--jp-error-color1, #c62828) 22%, transparent); }
.nbh-form .nbh-diff ins { text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: 2px;
  color: inherit; background: color-mix(in srgb, var(--jp-success-color1, #2e7d32) 24%, transparent); }
.nbh-form .nbh-changes { border-collapse: collapse; margin: 0; font-size: inherit; }
.nbh-form .nbh-changes :is(th, td) { padding: 3px 10px; text-align: left; vertical-align: top; white-space: pre-wrap;
  overflow-wrap: anywhere; max-width: 360px; }
.nbh-form .nbh-changes .nbh-sign { display: table-cell; padding: 3px 0 3px 4px; }
.nbh-form .nbh-changes th { font-weight: normal; color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-changes tr + tr :is(th, td) { border-top: 1px solid var(--jp-border-color2, #ddd); }
.nbh-form .nbh-markdown { max-width: 70ch; overflow-wrap: anywhere; }
.nbh-form .nbh-markdown > :first-child { margin-top: 0; }
.nbh-form .nbh-markdown > :last-child { margin-bottom: 0; }
.nbh-form .nbh-markdown :is(h1, h2, h3, h4, h5, h6) { margin: 1em 0 0.4em; line-height: 1.3; font-weight: 600;
  font-size: 1.05em; color: inherit; }
.nbh-form .nbh-markdown h1 { font-size: 1.4em; }
.nbh-form .nbh-markdown h2 { font-size: 1.2em; }
.nbh-form .nbh-markdown :is(p, ul, ol, blockquote, pre, table) { margin: 0 0 0.7em; }
.nbh-form .nbh-markdown :is(ul, ol) { padding-left: 2em; }
.nbh-form .nbh-markdown li > :is(ul, ol, p) { margin: 0; }
.nbh-form .nbh-markdown blockquote { padding: 0 0 0 10px; border-left: 3px solid var(--jp-border-color1, #bdbdbd);
  color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-markdown code { font-family: var(--jp-code-font-family, monospace); color: inherit;
  background: var(--jp-layout-color2, #eee); padding: 1px 4px; }
.nbh-form .nbh-markdown pre { background: var(--jp-layout-color2, #eee); color: inherit; padding: 8px 10px;
  overflow: auto; line-height: 1.4; }
.nbh-form .nbh-markdown pre code { padding: 0; background: none; }
.nbh-form .nbh-markdown table { border-collapse: collapse; font-size: inherit; }
.nbh-form .nbh-markdown :is(th, td) { border: 1px solid var(--jp-border-color2, #ccc); padding: 3px 8px;
  text-align: left; background: none; }
.nbh-form .nbh-markdown a { color: var(--jp-content-link-color, #1565c0); text-decoration: underline; }
.nbh-form .nbh-markdown .nbh-host { color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-markdown hr { border: 0; border-top: 1px solid var(--jp-border-color2, #ccc); height: 0; }
</style>"""
