// The `@example` blocks of the library's comments, as programs. Names that the package exports count as imported.
import { join } from 'node:path';
import ts from 'typescript';
import { root, sourceFiles } from './source-files.js';

export interface DocExample {
  /** What it is an example of, and where. */
  readonly name: string;
  readonly code: string;
  /** Names of the package that it uses. */
  readonly imports: readonly string[];
  /** Names that come from nowhere: the reader's own models and data. An example without any is whole: it compiles. */
  readonly missing: readonly string[];
}

/** The examples in the comments of the library's sources. */
export function docExamples(exported: ReadonlySet<string>): DocExample[] {
  return sourceFiles(['lib'], /\.ts$/).flatMap(({ path, text }) => {
    const source = parse(path, text);
    const found: DocExample[] = [];
    walk(source, (node) => {
      for (const { tags = [] } of (node as { jsDoc?: ts.JSDoc[] }).jsDoc ?? [])
        for (const { tagName, comment, pos } of tags) {
          if (tagName.text !== 'example') continue;
          const code = ts.getTextOfJSDocComment(comment) ?? '';
          const name = `${path}:${source.getLineAndCharacterOfPosition(pos).line + 1} ${nameOf(node)}`;
          found.push({ name, code, ...freeNames(code, exported) });
        }
    });
    return found;
  });
}

const parse = (path: string, text: string): ts.SourceFile =>
  ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function nameOf(node: ts.Node): string {
  const named = ts.isVariableStatement(node) ? node.declarationList.declarations[0] : node;
  return (named as { name?: ts.Identifier }).name?.text ?? 'constructor';
}

/** What a program uses without declaring it. */
function freeNames(code: string, exported: ReadonlySet<string>): Pick<DocExample, 'imports' | 'missing'> {
  const used = new Set<string>(code.includes('…') ? ['…'] : []); // the rest is left to the reader
  const declared = new Set<string>();
  walk(parse('example.ts', code), (node) => {
    if (!ts.isIdentifier(node)) return;
    const { parent } = node;
    if (ts.isPropertyAccessExpression(parent) && parent.name === node) return;
    if (ts.isBindingElement(parent) && parent.propertyName === node) return;
    if ('name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent)) {
      if (!ts.isPropertyAssignment(parent)) declared.add(node.text);
    } else used.add(node.text);
  });
  const free = [...used].filter((name) => !declared.has(name));
  return {
    imports: free.filter((name) => exported.has(name)),
    missing: free.filter((name) => !exported.has(name) && !(name in globalThis)),
  };
}

/** Compiles examples, each as a module of its own; what the compiler says, with the example's name. */
export function typeErrors(examples: readonly DocExample[]): string[] {
  const text = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config as object;
  const { options } = ts.parseJsonConfigFileContent(text, ts.sys, root);
  const files = new Map(
    examples.map(({ code, imports }, index) => [
      join(root, `doc-example-${index}.ts`),
      `import { ${imports.join(', ')} } from 'jepa'; ${code}`,
    ]),
  );
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists.call(host, path);
  host.readFile = (path) => files.get(path) ?? readFile.call(host, path);
  host.getSourceFile = (path, version, ...rest) => {
    const code = files.get(path);
    return code === undefined
      ? getSourceFile.call(host, path, version, ...rest)
      : ts.createSourceFile(path, code, version);
  };
  const unused = { noUnusedLocals: false, noUnusedParameters: false };
  const program = ts.createProgram([...files.keys()], { ...options, ...unused, noEmit: true, rootDir: root }, host);
  const places = [...files.keys()];
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const name = examples[places.indexOf(file?.fileName ?? '')]?.name ?? file?.fileName ?? 'the options';
    return `${name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

/** A statement and the value that its comment promises: `square(x); // [9, 4]`. Its value is read before the semicolon. */
const promise = /^(?!const |let |return )(.*?);? \/\/ (\[.*\]|-?\d[\d.e-]*|true|false)$/gm;

/** How many values an example promises. */
export const promises = ({ code }: DocExample): number => [...code.matchAll(promise)].length;

/** A value, and what was promised of it. */
export interface Kept {
  readonly got: unknown;
  readonly promised: unknown;
  /** Decimal places that the promise is written with; a whole number is meant to four. */
  readonly places: number;
}

/** Runs an example; gives each value that it has with the one that it promises. */
export async function run({ code, imports }: DocExample, library: Readonly<Record<string, unknown>>): Promise<Kept[]> {
  const values: Kept[] = [];
  const told = code.replace(promise, (_, expression: string, value: string) => {
    const places = Math.max(0, ...[...value.matchAll(/\.(\d+)/g)].map(([, digits]) => digits.length)) || 4;
    return `tell(${expression}, ${value}, ${places});`;
  });
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const program = ts.transpile(`async () => { ${told} }`, options);
  const names = Object.fromEntries(imports.map((name) => [name, library[name]]));
  const tell = (got: unknown, promised: unknown, places: number) => values.push({ got, promised, places });
  const make = new Function('tell', ...Object.keys(names), `return (${program.trim().replace(/;$/, '')})();`);
  await make(tell, ...Object.values(names));
  return values;
}
