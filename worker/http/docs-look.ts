import { html, raw } from 'hono/html'
import { PROBLEMS } from '../../schema/problems.ts'

/** Escaped markup, as `hono/html` makes it: a plain string put into it is escaped. */
export type Markup = ReturnType<typeof html>

/** Nothing may be loaded and nothing may run: the pages are one answer each, their style included. */
export const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

/** The frame that the pages share. `nav` stands beside the text on wide screens and above it on narrow ones. */
export function page(title: string, nav: Markup, main: Markup): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<a class="skip" href="#text">Skip to the text</a>
<nav aria-label="Contents">${nav}</nav>
<main id="text">${main}</main>
</body>
</html>`)
}

/** Paragraphs of a description: `code` in backticks, and every problem code a link to what it means. */
export function prose(text: string | undefined): Markup | '' {
  if (!text) return ''
  return html`${text.split(/\n{2,}/).map((paragraph) => html`<p>${line(paragraph)}</p>`)}`
}

/** One line of such a text, for where no paragraph may stand. */
export function line(text: string): Markup {
  return html`${text.split(/(`[^`]+`)/).map((part) => (isCode(part) ? code(part.slice(1, -1)) : words(part)))}`
}

/** A problem code, linked to its entry in /docs/errors. */
export function problemLink(code: string): Markup {
  return html`<a href="/docs/errors#${code}"><code>${code}</code></a>`
}

export const isProblem = (word: string) => Object.hasOwn(PROBLEMS, word)

const isCode = (part: string) => part.length > 2 && part.startsWith('`') && part.endsWith('`')

function code(text: string): Markup {
  return isProblem(text) ? problemLink(text) : html`<code>${text}</code>`
}

/** Only words with an underscore: `unavailable` in a sentence is just a word. */
function words(text: string): Markup {
  return html`${text.split(/\b([a-z]+(?:_[a-z]+)+)\b/).map((word) => (isProblem(word) ? problemLink(word) : word))}`
}

const STYLE = `
:root{color-scheme:light dark;--text:#1b1f24;--soft:#586069;--ground:#fff;--raised:#f5f6f8;--line:#d9dde3;--link:#0a58b0;--mark:#fff6cf;
--get:#0a58b0;--post:#14703a;--put:#855300;--patch:#7336ad;--delete:#b1231b}
@media (prefers-color-scheme:dark){:root{--text:#e4e7eb;--soft:#a3abb6;--ground:#14171b;--raised:#1d2127;--line:#343a43;--link:#7db7ff;--mark:#3a3417;
--get:#7db7ff;--post:#6fd192;--put:#e6b455;--patch:#c8a2ff;--delete:#ff938b}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;font:1rem/1.55 system-ui,sans-serif;color:var(--text);background:var(--ground);overflow-wrap:anywhere}
a{color:var(--link);text-underline-offset:.3em}
:focus-visible{outline:.15rem solid var(--link);outline-offset:.15rem;border-radius:.15rem}
.skip{position:absolute;left:-99rem}
.skip:focus{left:.5rem;top:.5rem;padding:.3rem .8rem;background:var(--ground);z-index:1}
code{font:.875em/1.4 ui-monospace,monospace;background:var(--raised);border-radius:.2rem;padding:.05em .25em}
a code{color:inherit}
h1,h2,h3,h4{line-height:1.25;margin:0}
h1{font-size:2rem;margin-bottom:.5rem}
h2{font-size:1.5rem;margin-top:3.5rem;padding-bottom:.4rem;border-bottom:1px solid var(--line)}
h3{font-size:1.15rem}
h4{font-size:.95rem;display:inline}
h3 a{color:inherit;text-decoration:none}
h3 a:hover{text-decoration:underline}
p{margin:.6rem 0;max-width:46rem}
nav,main{padding:1.25rem 1rem}
nav{border-bottom:1px solid var(--line);background:var(--raised);font-size:.9rem}
nav ul{list-style:none;margin:0;padding:0}
nav a{text-decoration:none;color:inherit}
nav a:hover{text-decoration:underline}
nav .home{font-weight:700;font-size:1.05rem}
nav .who{margin:1rem 0 .25rem;color:var(--soft);font-size:.8rem}
nav .tag>a{font-weight:600}
nav .who+ul{display:flex;flex-wrap:wrap;gap:.4rem .5rem}
nav .tag>a{display:block;padding:.2rem .65rem;border:1px solid var(--line);border-radius:1rem;background:var(--ground)}
nav .tag ul{display:none}
.op,.schema,.code{padding-top:1.75rem}
.op+.op,.schema+.schema{margin-top:1.75rem;border-top:1px solid var(--line)}
.route{display:flex;flex-wrap:wrap;gap:.3rem .6rem;align-items:baseline}
.route code{font-size:.95rem;background:none;padding:0}
.method{font:700 .75rem/1 ui-monospace,monospace;color:var(--get)}
.route .method{border:1px solid;border-radius:.25rem;padding:.25rem .4rem}
.post{color:var(--post)}.put{color:var(--put)}.patch{color:var(--patch)}.delete{color:var(--delete)}
.part{margin-top:1rem}
summary{cursor:pointer;width:fit-content}
.note{color:var(--soft);font-size:.9rem;font-weight:400}
.fields{list-style:none;margin:.4rem 0 0;padding:0;font-size:.92rem}
.fields>li{padding:.45rem 0;border-top:1px solid var(--line)}
.fields .fields,.choice{margin-left:.3rem;padding-left:.9rem;border-left:2px solid var(--line)}
.fields p{margin:.1rem 0}
.fields details{margin-top:.3rem}
.name{font-weight:600;background:none;padding:0}
.must{color:var(--put);font-size:.85em}
.must,.facts{margin-left:.3rem}
.facts,.type{color:var(--soft)}
.facts{display:inline}
.status{font:600 .875rem/1.4 ui-monospace,monospace;color:var(--post);margin-right:.35rem}
.status.refused{color:var(--delete)}
:target>h2,:target>h3,:target>dt{background:var(--mark);box-shadow:0 0 0 .3rem var(--mark)}
dl{margin:0}
.code dd{margin:.15rem 0 0;max-width:46rem}
@media (min-width:64rem){
body{display:grid;grid-template-columns:19rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow-y:auto;border:0;border-right:1px solid var(--line)}
nav .who+ul{display:block}
nav .tag>a{border:0;background:none;padding:.15rem 0;margin-top:.4rem}
nav .tag ul{display:block}
nav .tag li a{display:grid;grid-template-columns:2.9rem 1fr;gap:.3rem;padding:.15rem 0;align-items:baseline;line-height:1.35}
nav .method{font-size:.65rem}
main{padding:2rem 3rem 6rem;max-width:62rem}
.route code{font-size:1rem}
}
@media print{nav,.skip{display:none}}
`
