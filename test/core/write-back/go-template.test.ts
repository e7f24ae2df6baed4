import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTemplate } from '../../../src/core/write-back/go-template.ts';

const FIELDS = { Name: null, Empty: null, Items: ['A', 'B'], None: ['A'] };
const DATA = {
  Name: 'shop',
  Empty: '',
  None: [],
  Items: [
    { A: '1', B: 'x' },
    { A: '2', B: 'y' },
  ],
};

/** What Go's text/template makes of these. */
const ROWS: readonly (readonly [string, string])[] = [
  ['', ''],
  ['plain } text {', 'plain } text {'],
  ['{{.Name}}', 'shop'],
  ['{{ .Name }}!', 'shop!'],
  ['a {{- .Name -}} b', 'ashopb'],
  ['{{range .Items}}{{.A}}{{.B}},{{end}}', '1x,2y,'],
  ['{{range .Items -}}\n {{.A}}\n{{end -}}\n\nz', '1\n2\nz'],
  ['{{range .Items}}{{$.Name}}-{{.A}} {{end}}', 'shop-1 shop-2 '],
  ['{{range .None}}{{.A}}{{else}}nothing{{end}}', 'nothing'],
  ['{{if .Empty}}yes{{else}}no{{end}}', 'no'],
  ['{{if .Name}}yes{{end}}', 'yes'],
  ['{{range .Items}}{{if .Name}}{{.A}}{{end}}{{end}}', '12'],
  ['{{/* said */}}x', 'x'],
];

for (const [text, expected] of ROWS) {
  test(`${JSON.stringify(text)} becomes ${JSON.stringify(expected)}`, () => {
    const parsed = parseTemplate(text, FIELDS);
    assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem);
    assert.equal(parsed.render(DATA), expected);
  });
}

const WRONG: readonly (readonly [string, RegExp])[] = [
  ['{{.Nope}}', /\{\{\.Nope\}\}, and there are only \.Name, /],
  ['{{.Items}}', /and there are only/],
  ['{{range .Name}}x{{end}}', /and there are only/],
  ['{{range .Items}}{{.Name}}{{end}}', /there are only \.A, \.B/],
  ['{{range .Items}}', /without its \{\{end\}\}/],
  ['{{end}}', /\{\{end\}\} without a range/],
  ['{{else}}', /\{\{else\}\} without a range/],
  ['{{if .Name}}a{{else}}b{{else}}c{{end}}', /two \{\{else\}\}/],
  ['{{printf "%s" .Name}}', /is not understood/],
  ['{{.Name | upper}}', /is not understood/],
  ['{{.Name', /without its \}\}/],
  ['x'.repeat(20_000), /longer than/],
];

for (const [text, problem] of WRONG) {
  test(`${JSON.stringify(text.slice(0, 50))} is told as a mistake`, () => {
    const parsed = parseTemplate(text, FIELDS);
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, problem);
  });
}
