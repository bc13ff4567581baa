/* The look of the page. Nothing in it names another file. */
#include <stddef.h>

#include "train/report/report.h"

/* clang-format off */
const char *const report_style[] = {
    ":root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#1b2430;--soft:#5c6773;--rule:#dfe3e8;--zebra:#f3f5f8;",
    "--c0:#2563c9;--c1:#c2570c;--c2:#0f8a5f;--c3:#b42a78;--c4:#6d4bc3;--c5:#0b7f93;--c6:#6b8410;--c7:#c02b2b;",
    "--good:#0f7a4d;--warn:#9a5b00;--bad:#b42318}",
    "@media(prefers-color-scheme:dark){:root{--paper:#11161d;--card:#19202a;--ink:#e6eaf0;--soft:#9aa6b4;--rule:#2e3845;--zebra:#1f2733;",
    "--c0:#6ea8fe;--c1:#f0a35e;--c2:#4ccb9c;--c3:#ef86bd;--c4:#b39bf5;--c5:#5fc9da;--c6:#b5cf4c;--c7:#f48a8a;",
    "--good:#4ccb9c;--warn:#f0b45e;--bad:#ff8f85}}",
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}",
    "body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Liberation Sans\",sans-serif}",
    "main,header,nav{max-width:1160px;margin:0 auto;padding:0 16px}",
    "header{padding-top:24px}h1{font-size:1.5rem;line-height:1.2;margin:0 0 4px}h2{font-size:1.15rem;margin:0 0 10px}h3{font-size:.98rem;margin:20px 0 6px;overflow-wrap:anywhere}h4{font-size:.84rem;color:var(--soft);margin:0 0 4px}",
    "p{margin:0 0 10px}.soft{color:var(--soft)}section>p{max-width:75ch}",
    "nav{position:sticky;top:0;z-index:3;background:var(--paper);padding-top:8px;padding-bottom:8px;white-space:nowrap;overflow-x:auto;border-bottom:1px solid var(--rule)}",
    "a{color:var(--c0)}nav a{text-decoration:none;margin-right:16px;font-size:.9rem}nav a:hover{text-decoration:underline}",
    "section{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:16px;margin:16px 0;scroll-margin-top:48px}",
    ".tiles{display:flex;flex-wrap:wrap;gap:10px;margin:14px 0}.tile{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:8px 14px;min-width:104px}",
    ".tile b{display:block;font-size:1.3rem;line-height:1.25;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:.8rem}",
    ".scroll{overflow-x:auto;margin:0 -4px 10px}table{border-collapse:separate;border-spacing:0;font-size:.86rem;font-variant-numeric:tabular-nums;min-width:min(100%,320px)}",
    "th,td{padding:5px 10px;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}td{max-width:36ch;overflow-wrap:break-word}",
    "thead th{color:var(--soft);font-weight:600;vertical-align:bottom;min-width:5.2em;border-bottom:2px solid var(--rule)}",
    "tbody th{font-weight:500;position:sticky;left:0;background:var(--card);min-width:10.5em;max-width:17em;overflow-wrap:anywhere}tbody tr:hover>*{background:var(--zebra)}",
    ".n{text-align:right;white-space:nowrap}thead .n{white-space:normal}.best{font-weight:700}",
    ".charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,310px),1fr));gap:8px 20px;align-items:start}",
    "figure{margin:0 0 8px;max-width:480px}figcaption{font-size:.84rem;font-weight:600;color:var(--soft);margin-bottom:2px;overflow-wrap:anywhere}",
    "svg{display:block;width:100%;height:auto}svg text{font-size:10px;fill:var(--soft)}svg .end{text-anchor:end}svg .middle{text-anchor:middle}svg .name{font-size:11px;fill:var(--ink)}",
    ".grid{stroke:var(--rule);stroke-width:1;fill:none}.axis{stroke:var(--soft);stroke-width:1;fill:none}",
    ".line{fill:none;stroke-width:1.7;stroke-linejoin:round;stroke-linecap:round}.faint{stroke-opacity:.4;stroke-width:1.2}",
    ".mark{stroke:var(--ink);stroke-width:2;fill:none}.whisker{stroke:var(--c0);stroke-width:1.4;fill:none}.point{fill:var(--c0);fill-opacity:.4}.mean{fill:var(--c0)}",
    ".c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}.c6{--c:var(--c6)}.c7{--c:var(--c7)}",
    ".line{stroke:var(--c)}.bar{fill:var(--c)}i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:5px;vertical-align:-1px;background:var(--c)}i.tick{width:3px;background:var(--ink);border-radius:0}",
    ".legend{font-size:.8rem;color:var(--soft);margin:2px 0 8px}.legend span{display:inline-block;margin-right:12px;overflow-wrap:anywhere}",
    "details{border-top:1px solid var(--rule);padding:8px 0}summary{cursor:pointer;font-weight:600;overflow-wrap:anywhere}details>*+*{margin-top:10px}",
    ".pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr));gap:12px}.pictures img{display:block;width:100%;height:auto;border-radius:6px;border:1px solid var(--rule);background:#fff}",
    ".state{display:inline-block;border-radius:99px;padding:1px 9px;font-size:.8rem;font-weight:600;border:1px solid currentColor;margin:0 6px 6px 0}",
    ".done{color:var(--good)}.running{color:var(--c0)}.unfinished{color:var(--warn)}.failed{color:var(--bad)}",
    ".note{border-left:4px solid var(--warn);padding:4px 12px;margin:0 0 12px}.note.bad{border-color:var(--bad)}.note.ok{border-color:var(--good)}",
    "footer{max-width:1160px;margin:0 auto;padding:4px 16px 32px;color:var(--soft);font-size:.82rem}",
    "@media(max-width:600px){th,td{padding:5px 7px}tbody th{min-width:7.5em}main,header{padding-left:10px;padding-right:10px}section{padding:12px}}",
    "@media print{nav{display:none}section{break-inside:avoid;border:0;padding:0}}",
    NULL,
};
/* clang-format on */
