// What the package exports, as declarations without comments, in one text that review sees: etc/jepa.api.md.
//   npm run api               writes it, from what `npm run build:ts` has made
//   npm run api -- --check    fails if it is not what the library exports
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';

const [entry, report] = ['dist/esm/index.d.ts', 'etc/jepa.api.md'];
const program = ts.createProgram([entry], { module: ts.ModuleKind.NodeNext, skipLibCheck: true, types: ['node'] });
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });

/** Members that nobody outside can use. */
const hidden = (member) =>
  (member.name && ts.isPrivateIdentifier(member.name)) ||
  (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0 ||
  ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal');

/** The text of a declaration: of a variable its statement, of a class what is public. */
function declarationText(declaration) {
  let node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  if (ts.isClassDeclaration(node))
    node = ts.factory.updateClassDeclaration(
      node,
      node.modifiers,
      node.name,
      node.typeParameters,
      node.heritageClauses,
      node.members.filter((member) => !hidden(member)),
    );
  return printer.printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile());
}

/** Everything that a module exports, by name; of namespaces their exports. */
function* exportsOf(module, prefix = '') {
  const symbols = checker.getExportsOfModule(module);
  for (const symbol of symbols.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const name = `${prefix}${symbol.name}`;
    if (target.flags & ts.SymbolFlags.ValueModule) yield* exportsOf(target, `${name}.`);
    else yield { name, text: [...new Set((target.declarations ?? []).map(declarationText))].join('\n') };
  }
}

const source = program.getSourceFile(entry);
if (!source) throw new Error(`${entry} is not there: npm run build:ts`);
const parts = [
  '# What jepa exports\n\nWritten by `npm run api`: a change of this file is a change of the public API.\n',
];
for (const { name, text } of exportsOf(checker.getSymbolAtLocation(source)))
  parts.push(`## ${name}\n\n\`\`\`ts\n${text}\n\`\`\`\n`);
const text = parts.join('\n');

if (!process.argv.includes('--check')) {
  mkdirSync('etc', { recursive: true });
  writeFileSync(report, text);
} else if (readFileSync(report, 'utf8').replaceAll('\r\n', '\n') !== text) {
  const [before, now] = [readFileSync(report, 'utf8'), text].map((whole) => whole.split(/^## /m).slice(1));
  const changed = [...now.filter((part) => !before.includes(part)), ...before.filter((part) => !now.includes(part))];
  const names = [...new Set(changed.map((part) => part.slice(0, part.indexOf('\n'))))];
  console.error(`${report}: expected what the library exports, it differs in ${names.join(', ') || 'its order'}`);
  console.error('  → npm run build:ts && npm run api, and commit the file if the change is meant');
  process.exitCode = 1;
}
