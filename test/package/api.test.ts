// The public names: everything that the package exports and a user calls or constructs is documented.

import ts from 'typescript';
import { expect, test } from 'vitest';

const text = ts.readConfigFile('tsconfig.json', ts.sys.readFile).config as object;
const { options } = ts.parseJsonConfigFileContent(text, ts.sys, '.');

interface Exported {
  readonly name: string;
  readonly callable: boolean;
  readonly comment: string;
}

/** What a file exports, namespaces included. */
function exportsOf(file: string): Exported[] {
  const program = ts.createProgram([file], options);
  const checker = program.getTypeChecker();
  const found: Exported[] = [];
  const visit = (module: ts.Symbol, prefix: string): void => {
    for (const symbol of checker.getExportsOfModule(module)) {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const name = `${prefix}${symbol.name}`;
      if (target.flags & ts.SymbolFlags.ValueModule) {
        visit(target, `${name}.`);
        continue;
      }
      const value = target.flags & ts.SymbolFlags.Value && target.valueDeclaration;
      const type = value && checker.getTypeOfSymbolAtLocation(target, value);
      found.push({
        name,
        callable: !!type && type.getCallSignatures().length + type.getConstructSignatures().length > 0,
        comment: ts.displayPartsToString(target.getDocumentationComment(checker)).trim(),
      });
    }
  };
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is no module`);
  visit(module, '');
  return found;
}

test('every exported function and class has a comment that says what it does', () => {
  const found = exportsOf('lib/index.ts');
  expect(found.filter(({ callable }) => callable).length).toBeGreaterThan(100);
  expect(found.filter(({ callable, comment }) => callable && comment === '').map(({ name }) => name)).toEqual([]);
}, 60_000);
