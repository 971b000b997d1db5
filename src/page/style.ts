/** What all pages look like: by the reader's own choice light or dark, and never by colour alone. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#5b6470;--line:#d5dae0;--card:#f5f7f9;--bad:#b3261e;--badbg:#fde8e6;
--ok:#1a6e3c;--okbg:#e3f4e9;--warn:#8a5a00;--mark:#ffe08a;--focus:#0b62d6;
--t0:#9aa3ad;--t1:#3f7fd4;--t2:#d9822b;--t3:#2f9e63;--t4:#b657c0;--t5:#c94b4b;--t6:#2a9db0;--t7:#8a7a1f}
@media(prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e4e8ec;--dim:#9aa5b1;--line:#363d46;--card:#1d2228;--bad:#ff8a80;--badbg:#3b1a18;
--ok:#7ddba0;--okbg:#143022;--warn:#f0c060;--mark:#6b5200;--focus:#7ab3ff;
--t0:#7d8792;--t1:#6ea8f5;--t2:#f0a050;--t3:#5cc98d;--t4:#d58be0;--t5:#f08080;--t6:#5cc8da;--t7:#cbb94e}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;padding:1.2rem 1.5rem 4rem;max-width:100rem;background:var(--bg);color:var(--fg)}
h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 .4rem}h2{font-size:1.15rem;margin:1.8rem 0 .5rem}h3{font-size:1rem;margin:.6rem 0 .2rem}
p{max-width:62rem;margin:.4rem 0}p:has(input){max-width:none}code,pre,.mono{font:13px/1.45 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;overflow:auto;white-space:pre-wrap;max-height:24rem}
.verdict{border-left:6px solid var(--ok);background:var(--okbg);padding:.6rem 1rem;border-radius:4px}
.verdict.bad{border-color:var(--bad);background:var(--badbg)}.bad>h1,b.bad{color:var(--bad)}b.ok{color:var(--ok)}
.dim{color:var(--dim)}mark{background:var(--mark);color:inherit;outline:1px solid var(--warn);border-radius:2px;padding:0 2px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;margin:.6rem 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.beside{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.6rem .9rem;min-width:0}.card h3{margin-top:0}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.18rem .7rem .18rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}tr[aria-current=true]{background:var(--badbg);font-weight:600}
ol.chain{padding-left:1.6rem}ol.chain li{margin:.25rem 0}
button,input,select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.2rem .6rem}
button.link{border:0;background:none;padding:0;color:var(--focus);text-decoration:underline;cursor:pointer;text-align:left}
input[type=range]{width:100%;padding:0;accent-color:var(--focus)}label{margin-right:1rem;white-space:nowrap}
fieldset{border:1px solid var(--line);border-radius:8px;padding:.4rem .8rem;margin:.4rem 0}legend{color:var(--dim);padding:0 .3rem}
:focus-visible{outline:3px solid var(--focus);outline-offset:1px}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--bg)}
svg{display:block}svg text{fill:var(--fg);font:11px system-ui,sans-serif}svg[class^=plot] text{font-size:13px}svg .dim{fill:var(--dim)}
details>summary{cursor:pointer;color:var(--dim)}
`;
