"""How the page looks, in the light and in the dark. Text has a contrast of 4.5 to what is behind it."""

# Of a chart that is no part of the page.
CHART = """
text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: #222; }
.ours { font-weight: bold; } .grid { stroke: #8884; } .one { stroke: #222; stroke-dasharray: 2 2; }
"""

CSS = """
:root { color-scheme: light dark; --faint: #8884; --text: #222; --paper: #fff; --good: #060;
  --bad: #b00; --link: #0645ad; }
@media (prefers-color-scheme: dark) { :root { --text: #ddd; --paper: #181818; --good: #6d6;
  --bad: #f77; --link: #8ab4f8; } polyline[stroke="#000000"], line[stroke="#000000"] {
  stroke: #fff; } }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: var(--text);
  background: var(--paper); max-width: 60rem; margin: 0 auto; padding: 1rem;
  overflow-wrap: break-word; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; } a { color: var(--link); }
nav a { display: inline-block; margin-right: 1.2rem; line-height: 1.9; }
.verdict { font-size: 1.15rem; }
.wide { overflow-x: auto; margin: .8rem 0; }
.chart { max-width: 860px; } .chart > svg { display: block; }
svg text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--text); }
svg .name, svg .ours { font-weight: bold; } svg .failed { fill: var(--bad); }
svg .grid { stroke: var(--faint); } svg .one { stroke: var(--text); stroke-dasharray: 2 2; }
svg .spread { stroke: var(--text); stroke-width: 1.2; }
.legend { position: sticky; top: 0; z-index: 2; margin: 0; padding: .3rem 0;
  background: var(--paper); font-size: 13px; }
.legend span { display: inline-block; margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .3em; }
table { border-collapse: collapse; font-size: 13px; }
td, th { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid var(--faint);
  vertical-align: top; }
td:first-child, th:first-child { text-align: left; position: sticky; left: 0; z-index: 1;
  background: var(--paper); min-width: 6.5rem; overflow-wrap: anywhere; }
td small { display: block; font-size: 11px; font-weight: normal; white-space: nowrap; }
.about td { text-align: left; } tr.mean td { font-weight: bold; }
@media (max-width: 480px) { td:first-child, th:first-child { max-width: 8rem; } }
.best, .pass { color: var(--good); font-weight: bold; }
.lost, .miss { color: var(--bad); font-weight: bold; }
"""
