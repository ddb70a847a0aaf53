"""The report's style sheet: light, dark, narrow and printed. It refers to nothing outside the file."""

from __future__ import annotations

# Series colours stay apart for most kinds of colour vision (after Okabe and Ito, 2008), darker on light ground.
_LIGHT = """
--ground:#f4f6f8;--card:#fff;--ink:#18202b;--muted:#586474;--line:#dce1e7;--soft:#eef1f5;--accent:#0b62b8;
--good:#0e7353;--good-soft:#e2f4ec;--bad:#b3261e;--bad-soft:#fce9e7;--heat:11,98,184;--heat-off:201,80,10;
--s0:#0072b2;--s1:#c9500a;--s2:#00805d;--s3:#b24c88;--s4:#7a5cc0;--s5:#2f95cf;--s6:#94700a;
"""
_DARK = """
--ground:#0e1318;--card:#161d25;--ink:#e7ecf2;--muted:#9ba8b6;--line:#2b3540;--soft:#1e2731;--accent:#6db5ff;
--good:#4fca93;--good-soft:#12302a;--bad:#ff8478;--bad-soft:#3a1d1c;--heat:80,165,255;--heat-off:255,140,70;
--s0:#4fb0ef;--s1:#ff9350;--s2:#2fcb9c;--s3:#ec9ccb;--s4:#b9a1f5;--s5:#9bd8ff;--s6:#e3bb47;
"""

STYLE = (
    ":root{color-scheme:light dark;"
    + _LIGHT
    + "}\n@media (prefers-color-scheme:dark){:root{"
    + _DARK
    + "}}\n@media print{:root{color-scheme:light;"
    + _LIGHT
    + "}}"
    + """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.2rem;line-height:1.3;margin:0 0 12px}
h3{font-size:1rem;margin:20px 0 8px}
p{margin:0 0 12px;max-width:78ch}
a{color:var(--accent)}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px 22px;margin:18px 0}
.muted,small{color:var(--muted)}
small{font-size:.84rem}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:14px 0 0;font-size:.92rem}
.note{background:var(--soft);border-left:4px solid var(--muted);border-radius:4px;padding:8px 12px;margin:12px 0 0;
max-width:none;overflow-wrap:anywhere}
.verdict{border-left:6px solid var(--muted)}
.verdict.met{border-left-color:var(--good)}
.verdict.missed{border-left-color:var(--bad)}
.verdict h2{font-size:1.35rem}
.verdict.met h2,.good{color:var(--good)}
.verdict.missed h2,.bad{color:var(--bad)}
.good,.bad{font-weight:600;white-space:nowrap}
.verdict p{overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,220px),1fr));gap:12px}
.card{border:1px solid var(--line);border-radius:10px;padding:12px 14px 10px;display:flex;flex-direction:column}
.card b{font-size:.95rem}
.card .value{font-size:2rem;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums}
.card small{display:block}
.card small+small{margin-bottom:12px}
.card .bar{margin-top:auto}
.bar{position:relative;height:10px;background:var(--soft);border-radius:5px;margin:10px 0 2px}
.bar i{position:absolute;top:0;bottom:0;background:rgba(var(--heat),.4);border-radius:5px;min-width:2px}
.bar b{position:absolute;top:-3px;bottom:-3px;width:4px;margin-left:-2px;border-radius:2px;background:var(--accent)}
.bar u{position:absolute;top:-5px;bottom:-5px;border-left:2px dashed var(--ink);margin-left:-1px}
.ends{display:flex;justify-content:space-between;font-size:.72rem;color:var(--muted);line-height:1.2}
.scroll{overflow-x:auto;max-width:100%;scrollbar-width:thin}
.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:separate;border-spacing:0;font-variant-numeric:tabular-nums;font-size:.92rem}
table.wide{width:100%}
th,td{padding:6px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:top}
th{font-weight:600}
thead th{color:var(--muted);font-size:.84rem;vertical-align:bottom;border-bottom-width:2px}
tbody th,thead th:first-child{text-align:left}
tbody th{white-space:normal;overflow-wrap:anywhere;min-width:7.5em;max-width:22em}
.scroll th:first-child{position:sticky;left:0;background:var(--card);z-index:1}
tr.all>*{font-weight:650;border-bottom-width:2px}
tr:last-child>*{border-bottom-width:0}
td.text{text-align:left;white-space:normal;min-width:14em}
td.meter{background:linear-gradient(90deg,rgba(var(--heat),.16) var(--v),transparent var(--v)) no-repeat 0 50%/100% 76%}
metric{margin:0;min-width:0}
.panels small{display:block}
figcaption{font-size:.92rem;margin-bottom:4px;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:22px 26px}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,215px),1fr));gap:20px}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--muted);font-size:13px;font-family:inherit}
svg text.strong{fill:var(--ink);font-weight:600}
.grid{stroke:var(--line);stroke-width:1;fill:none}
.axis{stroke:var(--muted);stroke-width:1;fill:none}
.curve{fill:none;stroke-width:1.6;stroke-linejoin:round}
.mean{fill:none;stroke:var(--ink);stroke-width:3.4;stroke-linejoin:round}
.many{fill:none;stroke:var(--muted);stroke-width:1;opacity:.45}
.many:hover,.curve:hover{stroke-width:4;opacity:1}
.cut{stroke:var(--accent);stroke-width:1.6;stroke-dasharray:5 4;fill:none}
.dot{fill:var(--accent);stroke:var(--card);stroke-width:1.5}
.halo{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.right{fill:var(--s0);fill-opacity:.62;stroke:var(--s0)}
.wrong{fill:var(--s1);fill-opacity:.55;stroke:var(--s1);stroke-dasharray:3 2}
svg text.in{fill:var(--ink);text-anchor:middle;font-weight:600;font-size:11px}
.keys{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;padding:0;margin:14px 0 0;font-size:.88rem}
.keys li{display:flex;align-items:center;gap:7px;min-width:0;overflow-wrap:anywhere}
.keys svg{width:28px;height:14px;flex:none}
.matrix td,.matrix th{padding:0;border:0}
.matrix td{min-width:var(--cell);width:var(--cell);height:var(--cell);text-align:center;vertical-align:middle;
border:1px solid var(--card);background:var(--soft);font-size:.82rem}
.matrix tbody th{padding:0 10px 0 0;font-size:.84rem;vertical-align:middle;min-width:5em;max-width:13em;
width:max-content;line-height:1.15}
.matrix thead th{vertical-align:bottom;text-align:center}
.matrix thead span{display:inline-block;writing-mode:vertical-rl;transform:rotate(180deg);max-height:11em;
overflow:hidden;text-overflow:ellipsis;white-space:nowrap;padding:0 0 0 2px;text-align:left;line-height:1.2}
.matrix thead th:first-child{color:var(--muted);font-weight:400;font-size:.8rem;padding:0 10px 4px 0;text-align:right}
.matrix .edge{border-left:3px solid var(--card)}
.matrix tr.edge>*{border-top:3px solid var(--card)}
.beside{display:flex;flex-wrap:wrap;gap:16px 40px;align-items:flex-start}
.beside>*{max-width:100%;min-width:0}
.beside h3{margin-top:0}
.beside ul{margin:0;padding-left:1.2em;font-size:.92rem;overflow-wrap:anywhere}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:24px 20px}
.gallery svg{background:#5f6873;border-radius:8px;overflow:hidden}
.keys.samples svg{background:#5f6873;border-radius:3px;width:36px;height:22px}
:is(.gallery,.samples) rect{fill:none;pointer-events:all;vector-effect:non-scaling-stroke}
:is(.gallery,.samples) .case{stroke:#000;stroke-opacity:.55;stroke-width:4.5}
:is(.gallery,.samples) rect.found{stroke:#fff;stroke-width:1.3;stroke-dasharray:5 4}
:is(.gallery,.samples) rect.missed{stroke:#ffe14d;stroke-width:2.6;stroke-dasharray:8 5}
:is(.gallery,.samples) rect.hit{stroke:#46d3a0;stroke-width:2}
:is(.gallery,.samples) rect.false{stroke:#ff7a45;stroke-width:3}
.gallery rect.tag{fill:#0b0f14;fill-opacity:.8;pointer-events:none}
.gallery text{font-weight:600;pointer-events:none}
.gallery svg text.hit{fill:#7ff0c4}
.gallery svg text.missed{fill:#ffec8a}
.gallery svg text.false{fill:#ffb28f}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:6px 18px;margin:0}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
summary{cursor:pointer;color:var(--accent);padding:4px 0}
details{margin-top:14px}
@media (max-width:640px){
body{font-size:15px}
main{padding:18px 10px 40px}
section{padding:16px 13px;border-radius:10px}
h1{font-size:1.4rem}
.cards{grid-template-columns:repeat(2,minmax(0,1fr));gap:8px}
.card{padding:10px}
.card .value{font-size:1.6rem}
.charts svg text{font-size:16px}
.panels{grid-template-columns:repeat(2,minmax(0,1fr));gap:14px 8px}
.panels svg text{font-size:17px}
tbody th small{display:block}
.matrix tbody th{max-width:10em;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
thead th{white-space:normal}
th,td{padding:6px 7px}
tbody th{max-width:11em;min-width:8em}
.scroll th:first-child{max-width:9.5em}
dl{grid-template-columns:minmax(0,1fr);gap:0}
dd{margin-bottom:8px}
}
@media print{
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{font-size:11px;background:#fff}
main{max-width:none;padding:0}
nav{display:none}
section{border:0;padding:0;margin:0 0 22px}
.verdict{padding-left:12px}
metric,.card,tr{break-inside:avoid}
h2,h3{break-after:avoid}
.scroll{overflow:visible}
}
"""
)
