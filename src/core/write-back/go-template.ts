/** What a template is filled in with: texts, and lists of such, by the names of fields. */
export type TemplateData = Readonly<Record<string, string | readonly Readonly<Record<string, string>>[]>>;

/** A template that can be filled in. */
export type Template = (data: TemplateData) => string;

export type ParsedTemplate =
  | { readonly ok: true; readonly render: Template }
  | { readonly ok: false; readonly problem: string };

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly root: boolean; readonly name: string }
  | {
      readonly kind: 'range' | 'if';
      readonly name: string;
      readonly body: readonly Node[];
      readonly other: readonly Node[];
    };

interface Token {
  readonly kind: 'text' | 'action';
  readonly text: string;
}

const ACTION = /\{\{(?<before>- )?\s*(?<action>(?:[^{}]|\}(?!\}))*?)\s*(?<after> -)?\}\}/g;
const COMMENT = /^\/\*.*\*\/$/s;
const FIELD = /^(?<root>\$)?\.(?<name>[A-Za-z]\w*)$/;
const BLOCK = /^(?<kind>range|if)\s+\$?\.(?<name>[A-Za-z]\w*)$/;
const LONGEST_TEMPLATE = 16_384;

/**
 * Reads a template of Go's `text/template`, as Argo CD Image Updater takes them for messages and branches: fields (`{{.AppName}}`),
 * `range`, `if`, `else`, `end`, comments, and `{{- -}}`. What else there is in Go is said to be not understood, and so are fields that
 * nobody fills in.
 *
 * @param fields the names of the fields at the top, and for a list those of its members.
 */
export function parseTemplate(
  text: string,
  fields: Readonly<Record<string, readonly string[] | null>>,
): ParsedTemplate {
  if (text.length > LONGEST_TEMPLATE) return bad(`the template is longer than ${LONGEST_TEMPLATE} characters`);
  const tokens = tokenize(text);
  const stray = tokens.find(({ kind, text: part }) => kind === 'text' && part.includes('{{'));
  if (stray !== undefined) return bad('the template has {{ without its }}');
  const reader = new Reader(tokens, fields);
  const nodes = reader.read(null);
  if (reader.problem !== null) return bad(reader.problem);
  return { ok: true, render: (data) => nodes.map((node) => renderNode(node, data, data)).join('') };
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trims = false;
  const take = (part: string, trimsEnd: boolean): void => {
    const begun = trims ? part.trimStart() : part;
    tokens.push({ kind: 'text', text: trimsEnd ? begun.trimEnd() : begun });
  };
  for (const match of text.matchAll(ACTION)) {
    const { before, action = '', after } = match.groups ?? {};
    take(text.slice(at, match.index), before !== undefined);
    tokens.push({ kind: 'action', text: action });
    trims = after !== undefined;
    at = match.index + match[0].length;
  }
  take(text.slice(at), false);
  return tokens;
}

/** Reads tokens into nodes; the first problem ends it. */
class Reader {
  problem: string | null = null;
  readonly #tokens: readonly Token[];
  readonly #fields: Readonly<Record<string, readonly string[] | null>>;
  #at = 0;

  constructor(tokens: readonly Token[], fields: Readonly<Record<string, readonly string[] | null>>) {
    this.#tokens = tokens;
    this.#fields = fields;
  }

  /** Reads up to the `end` of a block, or of everything. @param members of the list that is gone through; null at the top. */
  read(members: readonly string[] | null, isBlock = false): readonly Node[] {
    const nodes: Node[] = [];
    while (this.problem === null) {
      const token = this.#tokens[this.#at];
      if (token === undefined) {
        if (isBlock) this.problem = 'the template has a range or an if without its {{end}}';
        return nodes;
      }
      if (token.kind === 'action' && (token.text === 'end' || token.text === 'else')) {
        if (!isBlock) this.problem = `the template has {{${token.text}}} without a range or an if`;
        return nodes;
      }
      this.#at += 1;
      if (token.kind === 'text') nodes.push({ kind: 'text', text: token.text });
      else if (!COMMENT.test(token.text)) nodes.push(...this.#readAction(token.text, members));
    }
    return nodes;
  }

  #readAction(action: string, members: readonly string[] | null): readonly Node[] {
    const field = FIELD.exec(action)?.groups;
    if (field !== undefined) {
      const { root, name = '' } = field;
      const isKnown = members !== null && root === undefined ? members.includes(name) : this.#fields[name] === null;
      if (!isKnown) this.problem = this.#unknown(action, members !== null && root === undefined ? members : null);
      return [{ kind: 'field', root: root !== undefined, name }];
    }
    const block = BLOCK.exec(action)?.groups;
    if (block === undefined) {
      this.problem = `the template has {{${action}}}, which is not understood: fields, range, if, else and end are`;
      return [];
    }
    const { kind, name = '' } = block;
    const list = this.#fields[name];
    if (list === undefined || (kind === 'range' && list === null)) {
      this.problem = this.#unknown(action, null);
      return [];
    }
    const body = this.read(kind === 'range' ? (list ?? null) : members, true);
    const hasElse = this.#tokens[this.#at]?.text === 'else';
    if (hasElse) this.#at += 1;
    const other = hasElse ? this.read(members, true) : [];
    if (this.problem === null && this.#tokens[this.#at]?.text !== 'end')
      this.problem = 'a range or an if has two {{else}}';
    this.#at += 1;
    return [{ kind: kind === 'range' ? 'range' : 'if', name, body, other }];
  }

  #unknown(action: string, members: readonly string[] | null): string {
    const known = members ?? Object.keys(this.#fields);
    return `the template has {{${action}}}, and there are only ${known.map((name) => `.${name}`).join(', ')}`;
  }
}

function renderNode(node: Node, dot: TemplateData, root: TemplateData): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'field': {
      const value = (node.root ? root : dot)[node.name];
      return typeof value === 'string' ? value : '';
    }
    case 'if': {
      const value = root[node.name] ?? '';
      return (value.length > 0 ? node.body : node.other).map((each) => renderNode(each, dot, root)).join('');
    }
    case 'range': {
      const list = root[node.name];
      const members = typeof list === 'string' || list === undefined ? [] : list;
      if (members.length === 0) return node.other.map((each) => renderNode(each, dot, root)).join('');
      return members.map((member) => node.body.map((each) => renderNode(each, member, root)).join('')).join('');
    }
  }
}

function bad(problem: string): ParsedTemplate {
  return { ok: false, problem };
}
