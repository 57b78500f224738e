"""How a form looks: one style sheet, sent with each form. Colours and sizes are JupyterLab's own.

Constant: nothing of a question may get in here, as it is not escaped.
"""

from __future__ import annotations

from typing import Final

STYLE: Final = """<style>
.nbh-form { border: 1px solid var(--jp-border-color2, #ccc); border-radius: 4px; padding: 12px 16px 14px;
  max-width: 980px; margin: 0 0 8px; box-sizing: border-box; color: var(--jp-ui-font-color1, #222);
  background: var(--jp-layout-color1, #fff); font-size: var(--jp-ui-font-size1, 13px); overflow: visible; }
.nbh-form .widget-html, .nbh-form .widget-html-content { height: auto; margin: 0; line-height: 1.45;
  font-size: inherit; }
.nbh-form .nbh-title { color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-description { white-space: pre-wrap; font-weight: 600;
  font-size: var(--jp-ui-font-size2, 16px); }
.nbh-form .nbh-body { flex-flow: row wrap; gap: 12px 28px; margin-top: 10px; align-items: flex-start;
  overflow: visible; }
.nbh-form .nbh-body > .widget-html { flex: 0 1 auto; max-width: 100%; }
.nbh-form .nbh-answer { flex: 1 1 320px; min-width: 0; max-width: 620px; overflow: visible; }
.nbh-form .nbh-fields { gap: 14px; overflow: visible; }
.nbh-form .nbh-field { padding-left: 10px; border-left: 3px solid transparent; margin-left: -13px;
  overflow: visible; }
.nbh-form .nbh-wrong { border-left-color: var(--jp-error-color1, #c62828); }
.nbh-form .nbh-field .widget-inline-hbox:not(.widget-slider),
.nbh-form .nbh-field .widget-inline-vbox { flex-direction: column; align-items: flex-start; width: 100%;
  height: auto; margin: 0; }
.nbh-form .nbh-field .widget-label, .nbh-form .nbh-label { width: auto; height: auto; max-width: 100%;
  text-align: left; font-weight: 600; line-height: 1.5; margin: 0 0 2px; padding: 0; white-space: normal;
  color: var(--jp-ui-font-color1, #222); }
.nbh-form .nbh-field .widget-checkbox .widget-label-basic { display: flex; align-items: center; width: auto;
  max-width: 100%; height: auto; line-height: 1.6; white-space: normal; }
.nbh-form .nbh-field .widget-checkbox input { flex: none; margin: 0 7px 0 1px; }
.nbh-form .nbh-field input[type="text"], .nbh-form .nbh-field textarea { width: 100%;
  box-sizing: border-box; }
.nbh-form .nbh-field textarea { resize: vertical; height: auto; }
.nbh-form .nbh-field select { flex: none; width: auto; min-width: 160px; max-width: 100%; height: 28px;
  appearance: auto; background-image: none; padding: 0 6px; }
.nbh-form .nbh-field input[type="date"], .nbh-form .nbh-field input[type="time"],
.nbh-form .nbh-field input[type="datetime-local"] { width: auto; height: 28px; padding: 0 8px;
  box-sizing: border-box; font: inherit; color: var(--jp-ui-font-color1, #222);
  background: var(--jp-layout-color1, #fff); border: 1px solid var(--jp-border-color1, #bdbdbd); }
.nbh-form .widget-radio-box { margin: 0; width: auto; height: auto; }
.nbh-form .widget-radio-box label { height: auto; line-height: 1.6; width: auto; white-space: normal;
  font-weight: normal; }
.nbh-form .widget-toggle-buttons .widget-toggle-button { width: auto; min-width: 38px; margin: 0 4px 4px 0; }
.nbh-form .widget-toggle-buttons .widget-toggle-button.mod-active { box-shadow: none; font-weight: 600;
  color: var(--jp-ui-inverse-font-color1, #fff); background: var(--jp-brand-color1, #1976d2); }
.nbh-form .nbh-row { flex-flow: row wrap; align-items: flex-end; gap: 12px; overflow: visible; }
.nbh-form .nbh-field .nbh-number input[type="text"] { width: 160px; }
.nbh-form .nbh-field .nbh-row .nbh-number { width: auto; flex: 0 1 auto; }
.nbh-form .nbh-field .nbh-row .nbh-number input[type="text"] { width: 80px; }
.nbh-form .nbh-row .widget-slider { flex: 1 1 160px; width: auto; max-width: 320px; height: 28px; margin: 0; }
.nbh-form .nbh-help { color: var(--jp-ui-font-color2, #616161); white-space: pre-wrap; }
.nbh-form { margin-top: 6px; }
.nbh-form .nbh-error {
    color: color-mix(in srgb, var(--jp-error-color1, #c62828) 80%, var(--jp-ui-font-color1, #000));
    white-space: pre-wrap; font-weight: 600; }
.nbh-form .nbh-answer > .widget-html .nbh-error { margin-bottom: 8px; }
.nbh-form .nbh-foot { margin-top: 14px; gap: 12px; align-items: center; overflow: visible; }
.nbh-form .nbh-submit { width: auto; min-width: 96px; margin: 0; }
.nbh-form .nbh-done, .nbh-form .nbh-closed { margin-top: 10px; white-space: pre-wrap; font-weight: 600; }
.nbh-form .nbh-done { color: var(--jp-success-color1, #2e7d32); }
.nbh-form .nbh-closed { color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-figure { margin: 0 0 8px; }
.nbh-form .nbh-figure img { display: block; max-width: min(100%, 420px); height: auto;
  border: 1px solid var(--jp-border-color2, #ccc); }
.nbh-form figcaption { color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-question { white-space: pre-wrap; max-width: 60ch; overflow-wrap: anywhere; }
.nbh-form .nbh-values { border-collapse: collapse; max-width: 100%; }
.nbh-form .nbh-values th, .nbh-form .nbh-values td { text-align: left; vertical-align: top;
  padding: 2px 12px 2px 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.nbh-form .nbh-values th { white-space: nowrap; font-weight: normal;
  color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-submit[aria-disabled="true"] { opacity: 0.6; cursor: default; }
.nbh-form .nbh-done:focus, .nbh-form .nbh-closed:focus { outline: none; }
</style>"""
