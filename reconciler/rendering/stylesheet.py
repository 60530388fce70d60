"""How the HTML pages look: on a desk, on a phone, on paper, by day and by night."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1a1f26; --quiet: #57606a; --line: #d0d7de; --box: #f6f8fa;
  --gain: #0f6a2c; --gain-back: #e3f6e8; --loss: #a4121d; --loss-back: #fdeaea;
  --change: #7a4b00; --change-back: #fff4d6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0d1117; --ink: #e6edf3; --quiet: #9aa4af; --line: #30363d; --box: #161b22;
    --gain: #6fdd8b; --gain-back: #10301a; --loss: #ff9a94; --loss-back: #3f1417;
    --change: #f2c55c; --change-back: #332600;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; }
h3 .quiet, th .quiet { font-weight: 400; }
p, ul { margin: .25rem 0; }
ul { padding-left: 1.25rem; }
.plain { list-style: none; padding: 0; }
.plain > li { padding: .3rem 0; }
code { font: .9em/1.4 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
.quiet { color: var(--quiet); font-size: .9em; }
.verdict { padding: .6rem .8rem; border-left: .4rem solid; margin: .75rem 0; }
.verdict strong { display: block; font-size: 1.1rem; }
.box { border: 1px solid var(--line); border-radius: 6px; padding: .75rem; margin: .75rem 0; }
.box > :first-child { margin-top: 0; }
.gain { color: var(--gain); background: var(--gain-back); }
.loss { color: var(--loss); background: var(--loss-back); }
.change { color: var(--change); background: var(--change-back); }
.badge { border-radius: 4px; padding: .05rem .4rem; font-size: .85rem; font-weight: 600; }
.scroll { overflow: auto; max-height: 80vh; border: 1px solid var(--line); border-radius: 6px; }
.scroll:focus-visible { outline: 3px solid var(--change); }
table { border-collapse: separate; border-spacing: 0; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; }
th, td { border-bottom: 1px solid var(--line); }
thead th { background: var(--box); font-weight: 600; }
tbody th { font-weight: 600; }
.matrix { width: auto; min-width: 100%; }
.matrix { overflow-wrap: break-word; }
.matrix th, .matrix td { border-right: 1px solid var(--line); min-width: 7rem; max-width: 16rem; }
.matrix thead th { position: sticky; top: 0; z-index: 2; }
.matrix tbody th, .matrix thead th:first-child { position: sticky; left: 0; z-index: 1; }
.matrix tbody th { background: var(--paper); }
.matrix thead th:first-child { z-index: 3; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .25rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
@media (max-width: 40rem) {
  main { padding: .6rem; }
  .matrix { font-size: .85rem; }
  .matrix tbody th { min-width: 38vw; max-width: 38vw; overflow-wrap: anywhere; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .35rem; }
}
@media print {
  :root {
    --paper: #ffffff; --ink: #000000; --quiet: #444444; --line: #999999; --box: #ffffff;
    --gain: #0f6a2c; --gain-back: #ffffff; --loss: #a4121d; --loss-back: #ffffff;
    --change: #7a4b00; --change-back: #ffffff;
  }
  main { max-width: none; padding: 0; }
  .scroll { overflow: visible; max-height: none; border: 0; }
  .matrix thead th, .matrix tbody th { position: static; }
  .matrix { font-size: .65rem; overflow-wrap: anywhere; }
  .matrix th, .matrix td { min-width: 0; padding: .15rem .25rem; }
  .box, tr { break-inside: avoid; }
}
"""
